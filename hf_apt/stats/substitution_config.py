"""How tokens are replaced to test a classifier."""

from __future__ import annotations

from dataclasses import dataclass

from hf_apt.stats.config_checks import require_not_negative, require_seed, require_whole


@dataclass(frozen=True, kw_only=True)
class SubstitutionConfig:
    """How tokens are replaced."""

    num_groups: int = 7
    """Number of groups masked one at a time: a seventh is about the 15 % of pre-training."""

    strong_match_threshold: float = 0.1
    """Threshold of `hf_apt.stats.clusters.strong_matches`; the paper's is not known to us."""

    num_draws: int = 3
    """Number of random replacements that each control is the mean of."""

    seed: int = 2509
    """Seed of the groups and of the random replacements."""

    def __post_init__(self) -> None:
        require_whole(self, "num_groups", "num_draws")
        require_not_negative(self, "strong_match_threshold")
        require_seed(self)
