"""Kinds of heads and lenses for every depth, and how heads are trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from hf_apt.arithmetic.precision import Precision
from hf_apt.depths.lenses.lens_kind import LensKind
from hf_apt.stats.config_checks import (
    require_one_of,
    require_positive,
    require_seed,
    require_share,
    require_whole,
)

HeadKind = Literal["linear_head", "mlm_head"]
"""`linear_head`: one linear map from the hidden state to the vocabulary. `mlm_head`: BERT's whole
MLM head, dense, GELU, LayerNorm, linear map to the vocabulary."""

HeadsName = Literal["none", "linear", "mlm", "both"]

HEAD_KINDS: dict[HeadsName, tuple[HeadKind, ...]] = {
    "none": (),
    "linear": ("linear_head",),
    "mlm": ("mlm_head",),
    "both": ("linear_head", "mlm_head"),
}
"""The kinds that options call by one name."""

DecoderKind = HeadKind | LensKind
"""What is made for every depth of a model before it is asked: a head, or a lens before its own."""

DecodersName = Literal["none", "linear", "mlm", "both", "jacobian", "translator", "all"]

DECODER_KINDS: dict[DecodersName, tuple[DecoderKind, ...]] = {
    **HEAD_KINDS,
    "jacobian": ("jacobian",),
    "translator": ("translator",),
    "all": (*HEAD_KINDS["both"], "jacobian", "translator"),
}
"""Heads and lenses that `--heads` calls by one name."""


def heads_among(kinds: Sequence[DecoderKind]) -> list[HeadKind]:
    """The heads among `kinds`, in their order."""
    return [kind for kind in kinds if kind in ("linear_head", "mlm_head")]


def lenses_among(kinds: Sequence[DecoderKind]) -> list[LensKind]:
    """The lenses among `kinds`, in their order."""
    return [kind for kind in kinds if kind in ("jacobian", "translator")]


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """How heads for every depth are trained.

    Raises:
        ValueError: for numbers below 1, a learning rate that is not positive, a masking rate
            outside (0, 1), and an invalid seed.
    """

    num_steps: int = 1000
    """Optimiser steps of the heads, the same for all depths at once."""

    batch_size: int = 32
    """Sequences in a step, over all processes."""

    learning_rate: float = 2e-3
    """Peak learning rate, after a linear warm-up (5 %) and before a linear decay; AdamW without
    weight decay."""

    masking_rate: float = 0.15
    """Share of the positions that are modified."""

    num_distinct_steps: int | None = None
    """Steps after which heads see the same masked sequences again; None for never. The hidden
    states of the first time serve again, as many as fit in half of the free memory."""

    precision: Precision = "auto"
    """Precision of products in training: `fp32`, `bf16`, or `auto`, which takes bfloat16 on a
    graphics card that has it, and float32 on a processor."""

    seed: int = 43
    """Seed of order and masks."""

    def __post_init__(self) -> None:
        require_whole(self, "num_steps", "batch_size", "num_distinct_steps")
        require_positive(self, "learning_rate")
        require_share(self, "masking_rate")
        require_one_of(self, "precision", get_args(Precision))
        require_seed(self)
