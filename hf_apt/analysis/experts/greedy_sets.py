"""Which parts of a block to keep so that each brings the most, and what so many are worth."""
# U parts, S sets, T tokens, 2 halves of the texts.

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from jaxtyping import Float

from hf_apt.analysis.experts.experts_config import ExpertsConfig
from hf_apt.stats.experts.greedy_order import PartSet, greedy_orders
from hf_apt.stats.experts.halves import apt_of_halves
from hf_apt.stats.experts.part_answers import PartAnswers

_ASKED_AT_ONCE = 64
"""Sets whose answers are counted in one pass over the text."""

_ALL_OF = 16
"""Parts of a block up to which a greedy order is taken of all of them unless told otherwise."""

Ask = Callable[[Sequence[PartSet]], PartAnswers]
"""What the model answers with each of these sets kept: a pass over the text."""


@dataclass(frozen=True)
class GreedySets:
    """Two greedy orders, and what the parts that they keep are worth."""

    orders: tuple[list[int], list[int]]
    """The parts in the order in which they are kept, from 0: by the texts of even numbers, and by
    those of odd numbers."""

    judged_KT: Float[np.ndarray, "kept tokens"]
    """APT in [0, 1] with the first 1, 2, ... parts kept, on the half of the texts that had no part
    in the choice: the mean over both halves for each token that is asked for in both."""

    num_asked: int
    """Sets that were asked for."""


def num_greedy(num_parts: int, config: ExpertsConfig) -> int:
    """How many parts of a block of `num_parts` the greedy order keeps; 0 for no such order."""
    if config.num_greedy is None:
        return num_parts if num_parts <= _ALL_OF else 0
    return min(config.num_greedy, num_parts)


def greedy_passes(num_parts: int, most: int) -> int:
    """Sets that a greedy order of `most` parts asks for at most, with those of its answers.

    >>> greedy_passes(4, 4)
    24
    """
    return num_parts + sum(2 * (num_parts - kept) for kept in range(1, most)) + 2 * most


def greedy_sets(ask: Ask, none: PartAnswers, num_parts: int, most: int) -> GreedySets | None:
    """The greedy orders of a block's parts by mean APT, one by each half of the texts.

    Args:
        ask: what the model answers with each of some sets kept.
        none: what it answers on the same text with no part kept.
        num_parts: number of parts U of the block.
        most: parts that are kept at most, 1 to U.

    Returns:
        The orders with their answers; None where no token is asked for in both halves of the texts.
    """
    num_asked = 0

    def worths_of(sets: Sequence[PartSet]) -> Float[np.ndarray, "half sets"]:
        nonlocal num_asked
        num_asked += len(sets)
        shares = [sets[at : at + _ASKED_AT_ONCE] for at in range(0, len(sets), _ASKED_AT_ONCE)]
        return np.concatenate([apt_of_halves(ask(some)).mean(axis=2) for some in shares], axis=1)

    if not apt_of_halves(none).shape[2]:
        return None
    even, odd = greedy_orders(worths_of, num_parts, most=most)
    kept = ask([frozenset(kept) for order in (even, odd) for kept in _growing(order)])
    apt_2ST = apt_of_halves(kept)
    judged_KT = (apt_2ST[1, :most] + apt_2ST[0, most:]) / 2
    return GreedySets((even, odd), judged_KT, num_asked + kept.num_parts)


def _growing(order: Sequence[int]) -> list[list[int]]:
    """The first part, the first two, and so on."""
    return list(accumulate(([part] for part in order), lambda kept, part: kept + part))
