"""In which order parts are kept so that each one brings the most: forward selection."""
# O orders, S sets, U parts.

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

PartSet = frozenset[int]
"""The numbers of the parts that are kept, from 0."""


def greedy_orders(
    worths_of: Callable[[Sequence[PartSet]], Float[np.ndarray, "order sets"]],
    num_parts: int,
    *,
    most: int | None = None,
) -> list[list[int]]:
    """Orders in which each step keeps the part that makes the set of those kept worth the most.

    For each of several worths there is an order, and all orders go on together: each step asks once
    for all sets that it needs, and for none a second time. A part is added at every step, though it
    may make the set worth less; of equal parts the one of the lowest number is taken. Where worths
    have diminishing returns and never fall, so many parts are worth 1 - 1/e of the best set of so
    many, at least (Nemhauser, Wolsey and Fisher 1978); otherwise nothing is promised.

    Args:
        worths_of: what sets are worth, by each of O measures: shape (O, sets).
        num_parts: number of parts U.
        most: parts of an order; all of them if None.

    Returns:
        For each worth the numbers of the parts, from 0, in the order in which they are kept.

    Raises:
        ValueError: for an order of more parts than there are, or of none.

    >>> gains = np.array([1.0, 3.0, 2.0])
    >>> greedy_orders(lambda sets: np.array([[gains[list(one)].sum() for one in sets]]), 3)
    [[1, 2, 0]]
    """
    most = num_parts if most is None else most
    if not 1 <= most <= num_parts:
        raise ValueError(f"an order is of 1 to {num_parts} parts, not of {most}.")
    orders: list[list[int]] | None = None
    for _ in range(most):
        kept = [frozenset(order) for order in orders or [[]]]
        asked = {one | {part} for one in kept for part in range(num_parts) if part not in one}
        sets = sorted(asked, key=sorted)
        worths_OS = np.asarray(worths_of(sets), np.float64)
        worth_of = dict(zip(sets, worths_OS.T, strict=True))
        orders = orders or [[] for _ in worths_OS]
        for place, order in enumerate(orders):
            left = [part for part in range(num_parts) if part not in order]
            worths = [worth_of[frozenset([*order, part])][place] for part in left]
            order.append(left[int(np.argmax(worths))])
    assert orders is not None, "an order has a part at least"
    return orders
