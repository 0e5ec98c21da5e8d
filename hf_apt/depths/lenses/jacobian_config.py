"""Which positions a Jacobian lens is fitted at."""

from __future__ import annotations

from dataclasses import dataclass

from hf_apt.stats.config_checks import require_seed, require_share, require_whole


@dataclass(frozen=True, kw_only=True)
class JacobianConfig:
    """Which positions a Jacobian lens is fitted at.

    Raises:
        ValueError: for numbers below 1, a rate outside (0, 1) or an invalid seed.
    """

    num_sequences: int = 128
    """Sequences that a Jacobian lens is the mean over, from the beginning of the text."""

    num_positions: int = 1
    """Masked positions that are taken of each sequence, if it has as many. One makes the mean
    exact. More cost nothing: each gets a random sign in the backward pass, so that the derivatives
    by one another cancel on average, and are noise in the mean."""

    masking_rate: float = 0.15
    """Share of the positions that are modified, as in a measurement."""

    batch_size: int = 16
    """Sequences in a forward pass; the lens does not depend on it."""

    seed: int = 44
    """Seed of the masks, of the positions that are taken, and of their signs."""

    def __post_init__(self) -> None:
        require_whole(self, "num_sequences", "num_positions", "batch_size")
        require_share(self, "masking_rate")
        require_seed(self)
