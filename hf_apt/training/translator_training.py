"""The translator of a masked language model: the tuned lens of arXiv 2303.08112, for encoders."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from hf_apt.data.tokens import Tokens
from hf_apt.data.training_draws import TrainingDraws
from hf_apt.depths.head_config import HeadConfig
from hf_apt.depths.lenses.bare_states import after_final_norm, bare_states, frozen
from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.measurement import require_fit, require_masked_lm
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.weights_digest import model_digest
from hf_apt.stats.counts import NOT_ASKED


def train_translator(trunk: Trunk, tokens: Tokens, config: HeadConfig | None = None) -> DepthMaps:
    """An affine map for each depth, after which the own head answers as it does at the last one.

    Each starts as the identity and is trained to make the divergence KL(last depth || this depth)
    small, summed over depths and averaged over the modified positions: to say what the model will
    say, not what is true. Model and head are frozen. Shows a progress bar.

    Source: arXiv 2303.08112, section 3. The optimiser, Adam with a linear decay of the learning
    rate, and the masked text are ours.

    Args:
        trunk: the trunk of a masked language model.
        tokens: the training text.
        config: how the maps are trained, without `num_distinct_steps`, which is not read; the
            defaults of `HeadConfig` if None.

    Returns:
        An affine map for each depth, in the model's precision.

    Raises:
        ValueError: for a causal model, if the tokens do not fit the model, and where training
            diverges.
    """
    from tqdm.auto import trange

    config = config or HeadConfig()
    require_fit(trunk.model, tokens)
    require_masked_lm(trunk, "a translator")
    head = OwnHead(trunk)
    D, H, device = trunk.num_depths, trunk.hidden_size, trunk.model.device
    weights_DHH = torch.eye(H, device=device).repeat(D, 1, 1).requires_grad_()
    biases_DH = torch.zeros(D, H, device=device, requires_grad=True)
    optimiser = torch.optim.Adam([weights_DHH, biases_DH], config.learning_rate)
    decay = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / config.num_steps)
    num_positions = 0
    with frozen(trunk.model):
        progress = trange(config.num_steps, desc="Training the translator", unit=" steps")
        for _, bare_DNH in zip(progress, _states(trunk, tokens, config), strict=True):
            optimiser.zero_grad()
            with torch.no_grad():
                last_NV = _said(head, bare_DNH[-1])
            loss = torch.zeros((), device=device)
            maps = zip(bare_DNH[:-1], weights_DHH, biases_DH, strict=False)
            for state_NH, weights_HH, bias_H in maps:
                divergence = _divergence(last_NV, _said(head, state_NH @ weights_HH.T + bias_H))
                divergence.backward()  # now: depths share nothing, and the logits are let go
                loss += divergence.detach()
            if not loss.isfinite():
                raise ValueError(
                    "the translator diverged, its loss is not finite: choose a smaller "
                    f"learning_rate than {config.learning_rate:g}."
                )
            optimiser.step()
            decay.step()
            num_positions += bare_DNH.shape[1]
    return DepthMaps(
        "translator",
        weights_DHH.detach().to(trunk.model.dtype),
        biases_DH.detach().to(trunk.model.dtype),
        model_digest(trunk.model),
        num_positions,
    )


def _said(head: OwnHead, carried_NH: Tensor) -> Tensor:
    """The log-probabilities (N, V) of bare states that were carried to the last depth."""
    carried_NH = carried_NH.to(head.trunk.model.dtype)
    return head.logits(after_final_norm(head.trunk, carried_NH)).float().log_softmax(dim=-1)


def _divergence(last_NV: Tensor, said_NV: Tensor) -> Tensor:
    """KL(answer after the last block || answer of the carried states), averaged over positions."""
    total = nn.functional.kl_div(said_NV, last_NV, reduction="sum", log_target=True)
    return total / max(len(last_NV), 1)


def _states(trunk: Trunk, tokens: Tokens, config: HeadConfig) -> Iterator[Tensor]:
    """The bare states (D, N, H) at the modified positions of each step, in float32."""
    masking = tokens.masking(seed=config.seed, rate=config.masking_rate)
    num_draws = config.num_steps * config.batch_size
    draws = TrainingDraws(tokens, masking, num_draws=num_draws)
    for start in range(0, num_draws, config.batch_size):
        batch = draws.__getitems__(list(range(start, start + config.batch_size)))
        asked_BT = (batch.pop("labels") != NOT_ASKED).to(trunk.model.device)
        inputs = {name: values.to(trunk.model.device) for name, values in batch.items()}
        yield torch.stack([state[asked_BT] for state in bare_states(trunk, inputs)]).float()
