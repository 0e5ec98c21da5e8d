"""Kinds of probes, and their settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from hf_apt.stats.config_checks import require_positive, require_whole

Probe = Literal["linear", "prototype", "prototype_cosine", "neighbours"]
"""`linear`: multinomial logistic regression. `prototype`: the class with the nearest mean, by
distance. `prototype_cosine`: the class whose mean has the smallest angle with the text.
`neighbours`: the commonest class among the nearest training texts."""


PROBES: tuple[Probe, ...] = get_args(Probe)


@dataclass(frozen=True, kw_only=True)
class ProbeConfig:
    """Settings of the probes."""

    inverse_penalty: float = 1.0
    """scikit-learn's C of the logistic regression."""

    num_neighbours: int = 10
    """Number of neighbours that vote; all training texts where there are fewer."""

    def __post_init__(self) -> None:
        require_positive(self, "inverse_penalty")
        require_whole(self, "num_neighbours")
