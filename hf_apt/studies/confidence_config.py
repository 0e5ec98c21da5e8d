"""How a classifier's confidence is compared with mean APT."""

from __future__ import annotations

from dataclasses import dataclass, field

from hf_apt.stats.config_checks import require_seed, require_whole
from hf_apt.stats.substitution_config import SubstitutionConfig


@dataclass(frozen=True, kw_only=True)
class ConfidenceConfig:
    """How confidence is compared with mean APT."""

    num_bins: int = 10
    """Number of bins of mean APT, which have equal numbers of inputs."""

    num_realisations: int = 10
    """Number of maskings of the training texts, where the run has no counts of its own."""

    seed: int = 2509
    """Seed of the masks."""

    substitution: SubstitutionConfig = field(default_factory=SubstitutionConfig)
    """Settings of the substitution test."""

    def __post_init__(self) -> None:
        require_whole(self, "num_bins", "num_realisations")
        require_seed(self)
