"""Which sequences and masks a measurement uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from hf_apt.arithmetic.precision import MeasurePrecision
from hf_apt.stats.config_checks import (
    require_one_of,
    require_seed,
    require_share,
    require_whole,
)


@dataclass(frozen=True, kw_only=True)
class MeasureConfig:
    """Which sequences and masks a measurement uses.

    Raises:
        ValueError: for numbers below 1, a rate outside (0, 1) or an invalid seed.
    """

    num_sequences: int | None = None
    """Largest number of held-out sequences to measure on; None for all."""

    num_realisations: int = 1
    """Number of maskings of each held-out sequence; more of them ask for rare tokens more often."""

    masking_rate: float = 0.15
    """Share of the positions that are modified."""

    batch_size: int = 64
    """Number of sequences in a forward pass."""

    precision: MeasurePrecision = "fp32"
    """Precision of the trunk's products: exact `fp32`, or `bf16`, which is faster and changes some
    answers; their share is counted on some of the batches, shown and recorded. Heads are float32 in
    both."""

    seed: int = 2509
    """Seed of the masks, which are the same for all depths, decoders and models."""

    def __post_init__(self) -> None:
        require_whole(self, "num_sequences", "num_realisations", "batch_size")
        require_share(self, "masking_rate")
        require_one_of(self, "precision", get_args(MeasurePrecision))
        require_seed(self)


def require_no_masks(config: MeasureConfig) -> None:
    """Raise ValueError if `config` says how to mask: a causal model is asked for next tokens."""
    plain = MeasureConfig()
    for name in ("num_realisations", "masking_rate", "seed"):
        if getattr(config, name) != getattr(plain, name):
            raise ValueError(
                f"the model is causal: it is asked for every next token, and nothing is masked, so "
                f"that {name}={getattr(config, name)!r} says nothing: leave it out."
            )
