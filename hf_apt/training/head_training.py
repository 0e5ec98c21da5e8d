"""Heads trained for every depth on a frozen trunk, all depths and kinds in the same pass."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import torch
from torch import Tensor, nn

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.data.tokens import Tokens
from hf_apt.data.training_draws import RepeatedDraws, TrainingDraws, as_batch
from hf_apt.depths.head_config import HeadConfig, HeadKind
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import (
    free_memory,
    part_of_batch,
    process_state,
)
from hf_apt.stats.counts import NOT_ASKED
from hf_apt.training.state_cache import KeptStates

if TYPE_CHECKING:
    from transformers import Trainer

_KEPT_SHARE = 0.5
"""Share of the free memory that hidden states may take which serve again."""
_NAMES = {"linear_head": "Linear heads", "mlm_head": "MLM heads"}


def train_heads(
    trunk: Trunk,
    tokens: Tokens,
    kinds: Sequence[HeadKind],
    config: HeadConfig,
    folder: Path,
) -> dict[HeadKind, DepthHeads]:
    """Heads for all depths, trained on a frozen trunk.

    Every step is one forward pass of the trunk, if its hidden states are not kept, and one step of
    each head: of one kind the same as if it were trained alone. Decoders start from the model's own
    output embeddings where their width is that of the hidden states. On graphics cards that can,
    products are made in bfloat16.

    Args:
        trunk: the trunk of the model.
        tokens: the training text.
        kinds: kinds of heads: `linear_head`, `mlm_head`.
        config: how they are trained.
        folder: where the Trainer works.

    Returns:
        The heads of all depths, by their kind.

    Raises:
        ValueError: if the batch cannot be divided among processes, for an unknown kind, and for
            less than one distinct step.
    """
    trainer, model = heads_trainer(trunk, tokens, kinds, config, folder)
    trainer.train()
    return {heads.kind: heads.eval() for heads in model.each()}


def heads_trainer(
    trunk: Trunk,
    tokens: Tokens,
    kinds: Sequence[HeadKind],
    config: HeadConfig,
    folder: Path,
) -> tuple[Trainer, FrozenTrunkWithHeads]:
    """The Trainer of `train_heads`, and what it trains."""
    from transformers import TrainingArguments

    from hf_apt.training.costs.training_flops import flops_by_steps, heads_flops
    from hf_apt.training.divergence import StopWhereDiverged
    from hf_apt.training.progress import name_progress
    from hf_apt.training.with_arithmetic import WithArithmetic

    unknown = [kind for kind in kinds if kind not in get_args(HeadKind)]
    if unknown:
        raise ValueError(f"no kind of head is called {unknown[0]!r}: take {' or '.join(_NAMES)}.")
    num_distinct = config.num_distinct_steps
    if num_distinct is None:
        num_distinct = config.num_steps
    elif num_distinct < 1:
        raise ValueError(f"num_distinct_steps is {num_distinct}: take 1 or more, or None.")
    part = part_of_batch(config.batch_size, process_state().num_processes)
    masking = tokens.masking(seed=config.seed, rate=config.masking_rate)
    num_draws = config.num_steps * config.batch_size
    trunk.prepare()  # now rather than during training
    vocab_size = tokens.description.vocab_size
    heads = [DepthHeads.begun(kind, trunk, vocab_size, seed=config.seed) for kind in kinds]
    num_weights = sum(weight.numel() for head in heads for weight in head.parameters())
    to_keep = _bytes_to_keep(trunk, config, num_weights)
    model = FrozenTrunkWithHeads(trunk, heads, bytes_to_keep=to_keep)
    draws = TrainingDraws(tokens, masking, num_draws=num_draws)
    arithmetic = _arithmetic(model, draws, config, part)
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=config.num_steps,
        per_device_train_batch_size=part,
        learning_rate=config.learning_rate,
        warmup_steps=max(config.num_steps // 20, 1),
        weight_decay=0.0,
        max_grad_norm=0.0,  # a common norm would couple the heads
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        use_cpu=trunk.model.device.type == "cpu",
        bf16=arithmetic.is_bfloat16,
        seed=config.seed,
        logging_steps=max(config.num_steps // 20, 1),
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
    )
    trainer = WithArithmetic(
        model=model,
        args=arguments,
        train_dataset=RepeatedDraws(
            draws,
            num_draws=num_draws,
            num_distinct=num_distinct * config.batch_size,
        ),
        data_collator=as_batch,
        callbacks=[StopWhereDiverged()],
        arithmetic=arithmetic,
    )
    length = tokens.description.sequence_length
    name_progress(
        trainer,
        _NAMES[kinds[0]] if len(kinds) == 1 else "Both heads",
        tokens_in_step=config.batch_size * length,
        flops=flops_by_steps(
            heads_flops,
            trunk.model.config,
            kinds=kinds,
            batch_size=config.batch_size,
            length=length,
            masking_rate=config.masking_rate,
            num_distinct=num_distinct,
        ),
    )
    return trainer, model


def _arithmetic(
    model: FrozenTrunkWithHeads, draws: TrainingDraws, config: HeadConfig, part: int
) -> Arithmetic:
    """How heads are trained, and their trunk read: tried on the first `part` sequences."""
    from hf_apt.training.step_arithmetic import training_arithmetic

    def loss(num_sequences: int) -> Tensor:
        batch = draws.__getitems__(list(range(num_sequences)))
        states, labels_N = model.read(batch)
        return model.loss(states, labels_N, divisor=len(labels_N))

    trunk = model.frozen[0]
    return training_arithmetic(
        config.precision,
        model,
        loss,
        num_sequences=part,
        num_steps=config.num_steps,
        of=(repr(trunk.model), draws.tokens.description.sequence_length, config.masking_rate),
        may_round=False,
    )


class FrozenTrunkWithHeads(nn.Module):
    """What the Trainer trains: heads of every kind, fed by one forward pass of the frozen trunk."""

    def __init__(self, trunk: Trunk, heads: Sequence[DepthHeads], bytes_to_keep: int):
        super().__init__()
        self.frozen = [trunk]  # in a list: its weights are none of this module's parameters
        self.kept = KeptStates(bytes_to_keep)
        self.heads = nn.ModuleList(heads)

    def forward(
        self,
        input_ids: Tensor,
        labels: Tensor,
        draws: Tensor,
        num_items_in_batch: Tensor | int,
        attention_mask: Tensor | None = None,
        **_: Any,
    ) -> dict[str, Tensor]:
        """The loss of all heads of a batch, by the number of positions asked in the whole step."""
        inputs = {"input_ids": input_ids, "labels": labels}
        if attention_mask is not None:
            inputs["attention_mask"] = attention_mask
        hidden_DNH, labels_N = self.kept.of(int(draws[0]), lambda: self.read(inputs))
        return {"loss": self.loss(hidden_DNH, labels_N, divisor=num_items_in_batch)}

    def read(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The states (D, N, H) at the positions that a batch asks for, and their labels (N,)."""
        inputs = dict(batch)
        labels = inputs.pop("labels")
        asked = labels != NOT_ASKED
        hidden_DNH = self.frozen[0].at(inputs, asked)
        device = hidden_DNH.device.type
        if torch.is_autocast_enabled(device):  # to what the heads would make of them anyway
            hidden_DNH = hidden_DNH.to(torch.get_autocast_dtype(device))
        return hidden_DNH, labels[asked]

    def loss(self, hidden_DNH: Tensor, labels_N: Tensor, divisor: Tensor | int) -> Tensor:
        """The loss of all heads, by `divisor`."""
        losses = [heads.loss(hidden_DNH, labels_N, divisor=divisor) for heads in self.each()]
        return torch.stack(losses).sum()

    def each(self) -> list[DepthHeads]:
        """The heads of each kind."""
        return [cast(DepthHeads, heads) for heads in self.heads]


def _bytes_to_keep(trunk: Trunk, config: HeadConfig, num_weights: int) -> int:
    """How much memory this process may take for hidden states; 0 if none would serve again.

    A share of what is free once the heads are there, with a gradient and two moments a weight.
    """
    if config.num_distinct_steps is None or config.num_distinct_steps >= config.num_steps:
        return 0
    device = trunk.model.device
    num_sharing = process_state().num_processes if device.type == "cpu" else 1
    still_to_come = (12 if device.type == "cpu" else 16) * num_weights
    return int(_KEPT_SHARE * max(free_memory(device) / num_sharing - still_to_come, 0))
