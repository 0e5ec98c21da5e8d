"""Which parts of a model are asked one by one, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from hf_apt.analysis.experts.part_kinds import Parts
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.sequences import Layout
from hf_apt.stats.config_checks import (
    require_one_of,
    require_positive,
    require_seed,
    require_share,
    require_whole,
)
from hf_apt.training.finetune_config import FinetuneConfig

Silence = Literal["zero", "mean"]
"""What silenced parts say: nothing, or what they say on average."""


@dataclass(frozen=True, kw_only=True)
class ReadOutConfig:
    """How the linear read-out of each part is trained.

    Raises:
        ValueError: for numbers below 1 and a learning rate that is not positive.
    """

    num_positions: int = 20_000
    """Largest number of asked positions of the training text. What the parts say there is held in
    memory, 4 bytes a number: 61 MB for 768 numbers."""

    num_steps: int = 400
    """Optimiser steps (Adam)."""

    batch_size: int = 512
    """Positions in a step."""

    learning_rate: float = 0.02
    """Learning rate of the first step; it falls linearly to 0."""

    def __post_init__(self) -> None:
        require_whole(self, "num_positions", "num_steps", "batch_size")
        require_positive(self, "learning_rate")


@dataclass(frozen=True, kw_only=True)
class ExpertsConfig:
    """Which parts of a model are asked one by one, and how.

    Raises:
        ValueError: for an unknown kind of part, numbers below 1, and shares outside (0, 1).
    """

    parts: Parts = "heads"
    """Attention heads; `nodes`, the single numbers that heads hand on; or `feed_forward`, the
    intermediate units of the feed-forward part."""

    block: int | None = None
    """Number of the block, from 1; None for the last."""

    chosen: tuple[int, ...] = ()
    """Numbers of the parts to ask, from 1; all of them, or `num_parts` drawn ones, if none is
    named."""

    num_parts: int = 32
    """Largest number of parts that are drawn where a block has more."""

    silence: Silence = "zero"
    """What silenced parts say: `zero`, or their `mean` over a batch of the text."""

    num_orders: int = 4
    """Random orders in which parts are kept, for accuracy against the number kept."""

    num_greedy: int | None = None
    """Parts that are kept in greedy order, each the one that brings the most; every step asks for
    all that are left, twice. 0 for no such order; None for all of up to 16, else none."""

    controls: bool = True
    """Ask random directions, and the same model with fresh weights, alike."""

    read_out: ReadOutConfig = field(default_factory=ReadOutConfig)
    """How read-outs are trained."""

    finetune: FinetuneConfig = field(default_factory=lambda: FinetuneConfig(num_epochs=0))
    """How classifiers are fine-tuned on a task with one part each; with 0 epochs none is. Texts are
    cut as those of probes."""

    finetune_seeds: int = 2
    """Seeds of fine-tuning."""

    sequence_length: int = 128
    """Tokens in a sequence, special ones included."""

    layout: Layout = "packed"
    """How documents become sequences: the first tokens of each, or all of them, packed."""

    measure: MeasureConfig = field(default_factory=lambda: MeasureConfig(num_sequences=256))
    """Which sequences and masks are used."""

    min_support: int = 10
    """How often a token has to be asked for to be looked at one by one."""

    min_lead: float = 0.1
    """How far an expert's APT is above that of every other part, at least."""

    false_discovery_rate: float = 0.05
    """Expected share of false ones among the experts that are named."""

    seed: int = 0
    """Seed of drawn parts, orders, random directions, fresh weights and read-outs."""

    def __post_init__(self) -> None:
        require_one_of(self, "parts", get_args(Parts))
        require_one_of(self, "silence", get_args(Silence))
        require_one_of(self, "layout", get_args(Layout))
        require_whole(self, "sequence_length", least=8)
        require_whole(self, "block")
        require_whole(self, "num_parts", "num_orders", "min_support", "finetune_seeds")
        require_whole(self, "num_greedy", least=0)
        if self.num_parts < 2:
            raise ValueError("num_parts is 1: parts are told by what others do not know, take 2.")
        if self.finetune.lora_rank:
            raise ValueError(
                f"finetune has adapters of rank {self.finetune.lora_rank}, which are not silenced "
                "part by part: leave the rank at 0."
            )
        require_share(self, "min_lead", "false_discovery_rate")
        require_seed(self)
        if len(set(self.chosen)) != len(self.chosen):
            raise ValueError(f"chosen names a part twice: {', '.join(map(str, self.chosen))}.")
        if len(self.chosen) == 1:
            raise ValueError(
                f"chosen is part {self.chosen[0]} alone: parts are told by what others do not "
                "know, name two or more."
            )
