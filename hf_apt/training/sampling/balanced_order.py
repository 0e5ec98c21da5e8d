"""An order of examples in which every run of consecutive ones holds the classes evenly.

The question is that of the block-based relatively balanced batch sampler of arXiv 2112.05958, which
its authors have withdrawn; of its algorithm nothing is taken. Ours.
"""
# N examples of an epoch, C classes.

from __future__ import annotations

import numpy as np
from jaxtyping import Int


def balanced_order(
    labels_N: Int[np.ndarray, " n"], strength: float, seed: int, epoch: int
) -> Int[np.ndarray, " n"]:
    """Places of as many examples as there are, in the order of one epoch.

    A class of n examples has a share in proportion to n^(1 - strength): its own at 0, the same as
    every other one at 1. In each run of consecutive places, wherever it begins, a class is met as
    often as its share says, give or take one or two. Examples of a class come in random order, none
    a second time before all of the class have come; so rare ones are read several times in an
    epoch, and of a frequent class some are left for other epochs.

    Args:
        labels_N: the class of each example, any integers.
        strength: from 0 to 1.
        seed: of the random numbers, together with the epoch.
        epoch: number of the epoch, from 0.

    Returns:
        Places in `labels_N`; repeatable.

    Raises:
        ValueError: for a strength outside of [0, 1], and no examples.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"a strength of {strength}: give a number from 0 to 1.")
    if len(labels_N) == 0:
        raise ValueError("there are no examples to put in an order.")
    rng = np.random.default_rng([seed, epoch])
    _, kinds_N, counts_C = np.unique(labels_N, return_inverse=True, return_counts=True)
    weights_C = counts_C.astype(float) ** (1 - strength)
    drawn_N = _spread(weights_C / weights_C.sum(), len(labels_N), rng)
    order_N = np.empty(len(labels_N), np.int64)
    for kind in range(len(counts_C)):
        is_kind_N = drawn_N == kind
        order_N[is_kind_N] = _without_repeats(
            np.flatnonzero(kinds_N == kind), int(is_kind_N.sum()), rng
        )
    return order_N


def _spread(shares_C: np.ndarray, num: int, rng: np.random.Generator) -> np.ndarray:
    """Classes one after the other: each time the one that its share says is most overdue.

    The k-th example of a class is due between k and k + 1 times the distance of its examples; by
    when they are due all are put in order, each class begun at a random point of its distance.
    """
    starts_C = rng.random(len(shares_C))
    due = [
        (np.arange(int(np.ceil(share * num)) + len(shares_C) + 1) + start) / share
        for share, start in zip(shares_C, starts_C, strict=True)
    ]
    kinds = np.repeat(np.arange(len(shares_C)), [len(each) for each in due])
    order = np.argsort(np.concatenate(due), kind="stable")
    return kinds[order][:num]


def _without_repeats(places: np.ndarray, num: int, rng: np.random.Generator) -> np.ndarray:
    """`num` of these places: all in random order, then all in another one, and so on."""
    rounds = -(-num // len(places))
    return np.concatenate([rng.permutation(places) for _ in range(max(rounds, 1))])[:num]
