"""Which sequences and masks a measurement uses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MeasureConfig:
    """Which sequences and masks a measurement uses."""

    num_sequences: int | None = None
    """Largest number of held-out sequences to measure on; None for all."""

    num_realisations: int = 1
    """Number of maskings of each held-out sequence; more of them ask for rare tokens more often."""

    masking_rate: float = 0.15
    """Share of the positions that are modified."""

    batch_size: int = 64
    """Number of sequences in a forward pass."""

    seed: int = 2509
    """Seed of the masks, which are the same for all depths, decoders and models."""

    def __post_init__(self) -> None:
        for name in ("num_realisations", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
