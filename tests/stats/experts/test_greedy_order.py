"""Laws of the greedy order: that of an enumeration, and near the best set where worths add up."""

from itertools import combinations

import numpy as np
import pytest

from hf_apt.stats.experts.greedy_order import greedy_orders


def subsets(num_parts: int) -> list[frozenset[int]]:
    sizes = range(num_parts + 1)
    return [frozenset(one) for size in sizes for one in combinations(range(num_parts), size)]


def by_enumeration(worth: dict[frozenset[int], float], num_parts: int) -> list[int]:
    """The order along the best of all sets that hold the one before and a part more."""
    kept, order = frozenset(), []
    for size in range(1, num_parts + 1):
        above = [one for one in worth if len(one) == size and kept < one]
        best = max(above, key=lambda one: (worth[one], -min(one - kept)))
        order += best - kept
        kept = best
    return order


@pytest.mark.parametrize("num_parts", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_orders_are_those_of_an_enumeration_and_no_set_is_asked_twice(num_parts, seed) -> None:
    rng = np.random.default_rng(seed)
    tables = [
        {one: float(rng.integers(0, 6)) for one in subsets(num_parts)} for _ in range(2)
    ]  # of few values, so that ties happen
    asked = []

    def worths_of(sets):
        asked.extend(sets)
        return np.array([[table[one] for one in sets] for table in tables])

    orders = greedy_orders(worths_of, num_parts)
    assert orders == [by_enumeration(table, num_parts) for table in tables]
    assert len(asked) == len(set(asked))
    prefixes = [frozenset(order[:num]) for order in orders for num in range(num_parts)]
    assert set(asked) == {
        one | {part} for one in prefixes for part in range(num_parts) if part not in one
    }


def test_a_part_that_brings_what_another_has_brought_comes_late() -> None:
    """Alone, part 1 is second; beside part 0 it brings nothing."""
    words = [{0, 1, 2, 3}, {0, 1, 2}, {4, 5}, {6}]
    (order,) = greedy_orders(
        lambda sets: np.array([[len(set().union(*(words[part] for part in one))) for one in sets]]),
        4,
    )
    assert order == [0, 2, 3, 1]


@pytest.mark.parametrize("seed", range(5))
def test_of_diminishing_returns_so_many_are_worth_nearly_the_best_set(seed) -> None:
    has_UT = np.random.default_rng(seed).random((4, 30)) < 0.3
    worth = {one: int(has_UT[list(one)].any(axis=0).sum()) for one in subsets(4)}
    (order,) = greedy_orders(lambda sets: np.array([[worth[one] for one in sets]]), 4)
    for size in range(1, 5):
        best = max(value for one, value in worth.items() if len(one) == size)
        assert worth[frozenset(order[:size])] >= (1 - 1 / np.e) * best
    assert worth[frozenset(order[:1])] == max(worth[frozenset([part])] for part in range(4))


def test_as_many_parts_as_are_asked_for() -> None:
    def worths_of(sets):
        return np.array([[sum(one) for one in sets]])

    assert greedy_orders(worths_of, 5, most=2) == [[4, 3]]
    for most in (0, 6):
        with pytest.raises(ValueError, match=f"1 to 5 parts, not of {most}"):
            greedy_orders(worths_of, 5, most=most)
