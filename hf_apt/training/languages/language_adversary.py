"""An adversary that moves a language to where a model's regret is largest, within bounds.

It has no gradient: it looks at places about the present one, asks for the regret at each with the
same random numbers, and goes to the largest. Source: ours, after the data agents of arXiv
2502.04573.
"""
# P parameters, M candidates.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hf_apt.stats.config_checks import require_not_negative, require_seed, require_whole

_STREAM = 2


@dataclass(frozen=True, kw_only=True)
class AdversaryConfig:
    """How an adversary moves.

    Raises:
        ValueError: for no candidate, a negative step, or a seed that is none.
    """

    num_candidates: int = 8
    """Number of places that are looked at beside the present one."""

    step_size: float = 0.25
    """How far a candidate can be away in each parameter, as a share of its bounds' width; 0 leaves
    the language as it is."""

    seed: int = 0
    """Seeds the candidates."""

    def __post_init__(self) -> None:
        require_whole(self, "num_candidates")
        require_not_negative(self, "step_size")
        require_seed(self)


@dataclass(frozen=True, eq=False)
class Move:
    """Where an adversary went."""

    place_P: Float[np.ndarray, " parameters"]
    """The new place, in the unit cube."""

    regrets_M: Float[np.ndarray, " candidates"]
    """The regret at the present place, and at each candidate."""


def places_about(
    place_P: Float[np.ndarray, " parameters"], config: AdversaryConfig, number: int
) -> Float[np.ndarray, "candidates parameters"]:
    """(M + 1, P) the present place and those about it: a pure function of place, seed and number.

    Each differs by uniform numbers in all parameters, and is cut off at the bounds.
    """
    rng = np.random.default_rng((_STREAM, config.seed, number))
    steps_MP = config.step_size * rng.uniform(-1, 1, (config.num_candidates, len(place_P)))
    return np.concatenate([place_P[None], np.clip(place_P + steps_MP, 0.0, 1.0)])


def moved(
    place_P: Float[np.ndarray, " parameters"],
    config: AdversaryConfig,
    number: int,
    regret_at: Callable[[Float[np.ndarray, " parameters"]], float],
) -> Move:
    """The move number `number` of an adversary: to the candidate of largest regret.

    Args:
        place_P: the present place, in the unit cube.
        config: how it moves.
        number: number of the move, from 0.
        regret_at: the regret at a place; asked with the same random numbers for all.

    Returns:
        The new place; the present one where no candidate has more regret.
    """
    places_MP = places_about(place_P, config, number)
    if config.step_size == 0:
        places_MP = places_MP[:1]  # all are the present one
    regrets_M = np.array([regret_at(each_P) for each_P in places_MP])
    return Move(places_MP[int(regrets_M.argmax())], regrets_M)
