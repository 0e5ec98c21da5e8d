"""The Jacobian lens of a masked language model, fitted exactly by backward passes."""
# J: matrices that carry a state of one depth to the last one.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.data.tokens import Tokens
from hf_apt.depths.lenses.bare_states import bare_states
from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.lenses.jacobian_config import JacobianConfig
from hf_apt.depths.measurement import asked_batches, require_fit, require_masked_lm
from hf_apt.depths.trunk import Trunk
from hf_apt.models.weights_digest import model_digest
from hf_apt.stats.counts import TREATMENTS

_MASKED = TREATMENTS.index("masked")


def fit_jacobian(trunk: Trunk, tokens: Tokens, config: JacobianConfig | None = None) -> DepthMaps:
    """The Jacobian lens: the state h of a depth d becomes mean(last) + J_d (h - mean(d)).

    J_d is the mean, over masked positions, of the derivative of the last state at a position by the
    state of depth d at the same position: what passes through other positions on the way and comes
    back is in it, what other positions add is not. The last state is that before the trunk's final
    normalisation, where it has one; that of BERT, which has none, is what the head is given. Sums
    are in double precision, the model in evaluation mode. Shows a progress bar. Each sequence costs
    a forward pass and a backward pass for each of the H units, for all depths at once
    (`hf_apt.depths.lenses.jacobian_cost` tells it before).

    Source: the lens of transformer-circuits.pub/2026/workspace, there for decoders and J_d h alone.
    Taking off means, and the masked position as the target, are ours: in a post-norm model J_d
    annihilates much of h itself, since a LayerNorm does not see the length of what it is given.

    Args:
        trunk: the trunk of a masked language model.
        tokens: the text that the lens is fitted to.
        config: which positions it is fitted at; the defaults of `JacobianConfig` if None.

    Returns:
        An affine map for each depth, in the model's precision and on its device.

    Raises:
        ValueError: for a causal model, if the tokens do not fit the model, if no position is
            masked, and for a model that cannot be differentiated.
    """
    config = config or JacobianConfig()
    require_fit(trunk.model, tokens)
    require_masked_lm(trunk, "a Jacobian lens")
    sums = JacobianSums(trunk)
    for inputs, targets in _targets(tokens, config):
        sums.update(inputs, targets)
    if not sums.num_positions:
        raise ValueError(
            f"no position of the first {config.num_sequences} sequences in {tokens.folder} is "
            "masked: give more text."
        )
    return sums.lens()


@dataclass(frozen=True)
class Targets:
    """Positions of a batch that a lens is fitted at."""

    rows_N: Tensor
    """The number of each one's sequence in the batch."""

    positions_N: Tensor
    """The index of each position in its sequence."""

    signs_N: Tensor
    """1 or -1, at random where a sequence has several."""


class JacobianSums:
    """Jacobians and states added up over batches, in double precision."""

    def __init__(self, trunk: Trunk):
        D, H = trunk.num_depths, trunk.hidden_size
        self.trunk = trunk
        self.num_positions = 0
        """Number of positions that were added."""
        self._jacobians_DHH = torch.zeros(D, H, H, dtype=torch.float64)
        self._states_DH = torch.zeros(D, H, dtype=torch.float64)

    def update(self, inputs: Mapping[str, Tensor], targets: Targets) -> None:
        """Add the targets of a batch."""
        device = self.trunk.model.device
        inputs = {name: values.to(device) for name, values in inputs.items()}
        rows_N, positions_N = targets.rows_N.to(device), targets.positions_N.to(device)
        states = bare_states(self.trunk, inputs, with_graph=True)
        signs_N1 = targets.signs_N.to(states[-1])[:, None]
        signed_NH = signs_N1 * states[-1][rows_N, positions_N]
        H = signed_NH.shape[1]
        for unit in range(H):
            gradients = _gradients(signed_NH[:, unit].sum(), states[:-1], keep=unit < H - 1)
            for depth, gradient in enumerate(gradients):
                own_NH = signs_N1 * gradient[rows_N, positions_N]
                self._jacobians_DHH[depth, unit] += own_NH.double().sum(0).cpu()
        self._jacobians_DHH[-1].diagonal().add_(len(rows_N))
        for depth, state in enumerate(states):
            self._states_DH[depth] += state[rows_N, positions_N].detach().double().sum(0).cpu()
        self.num_positions += len(rows_N)

    def lens(self) -> DepthMaps:
        """The lens of all that was added, in the precision of the model."""
        jacobians_DHH = self._jacobians_DHH / self.num_positions
        means_DH = self._states_DH / self.num_positions
        biases_DH = means_DH[-1] - torch.einsum("dij,dj->di", jacobians_DHH, means_DH)
        model = self.trunk.model
        return DepthMaps(
            "jacobian",
            jacobians_DHH.to(model.dtype).to(model.device),
            biases_DH.to(model.dtype).to(model.device),
            model_digest(model),
            self.num_positions,
        )


def _gradients(unit: Tensor, states: list[Tensor], *, keep: bool) -> tuple[Tensor, ...]:
    try:
        return torch.autograd.grad(unit, states, retain_graph=keep)
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        said: Any = str(error).splitlines()[0]
        raise ValueError(
            f"the last state cannot be differentiated by the earlier ones ({said}): the model's "
            "hidden states are not what its blocks are given."
        ) from error


def _targets(tokens: Tokens, config: JacobianConfig) -> Iterator[tuple[dict[str, Tensor], Targets]]:
    """The inputs of each batch, and the masked positions of it that are taken."""
    measured = MeasureConfig(
        num_sequences=config.num_sequences,
        masking_rate=config.masking_rate,
        batch_size=config.batch_size,
        seed=config.seed,
    )
    for batch in asked_batches(tokens, measured, label="Fitting the Jacobian lens"):
        targets = _taken(batch, config)
        if len(targets.rows_N):
            yield batch.inputs, targets


def _taken(batch: AskedBatch, config: JacobianConfig) -> Targets:
    """Masked positions of a batch, at most `num_positions` of each sequence.

    Which ones depends on the seed and the number of the sequence alone.
    """
    rows_N, positions_N = (each.numpy() for each in batch.asked_BT.nonzero(as_tuple=True))
    is_masked_N = batch.treatments_N == _MASKED
    rows, positions, signs = [], [], []
    for row in np.unique(rows_N[is_masked_N]):
        here_N = is_masked_N & (rows_N == row)
        generator = np.random.default_rng([config.seed, int(batch.sequences_N[here_N][0])])
        taken_K = generator.permutation(positions_N[here_N])[: config.num_positions]
        positions += taken_K.tolist()
        rows += [int(row)] * len(taken_K)
        signs += generator.choice([-1, 1], len(taken_K)).tolist()
    return Targets(*(torch.tensor(each, dtype=torch.long) for each in (rows, positions, signs)))
