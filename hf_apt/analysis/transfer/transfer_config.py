"""What the study of transfer computes."""

from __future__ import annotations

from dataclasses import dataclass

from hf_apt.stats.config_checks import require_seed, require_whole


@dataclass(frozen=True, kw_only=True)
class TransferConfig:
    """How predictors of transfer are compared.

    Raises:
        ValueError: for fewer than two draws, and a seed out of range.
    """

    num_draws: int = 200
    """Draws of tasks and checkpoints for standard errors."""

    seed: int = 0
    """Seed of the draws."""

    def __post_init__(self) -> None:
        require_whole(self, "num_draws", least=2)
        require_seed(self)
