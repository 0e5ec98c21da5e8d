"""Which pairs of asked positions of a batch a step looks at.

A pair's key is a pure function of the step's seed, the number of the row among those of the step,
the earlier position and the distance: what is drawn does not depend on how a step is divided over
accumulation steps and processes, on padding, or on an interruption. Ours.
"""
# B rows, D distances, T positions, N pairs.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from hf_apt.data.draws.splitmix import STEP, mixed

_NEVER = np.uint64(2**64 - 1)


@dataclass(frozen=True)
class DrawnPairs:
    """Pairs of positions of a batch, row by row."""

    rows_N: Int[np.ndarray, " n"]
    """The row of each pair."""

    firsts_N: Int[np.ndarray, " n"]
    """The earlier position."""

    distances_N: Int[np.ndarray, " n"]
    """Tokens from the earlier to the later position."""


def num_pairs_of(
    asked_BT: Bool[np.ndarray, "b t"], *, num_pairs: int, max_distance: int
) -> Int[np.ndarray, " b"]:
    """How many pairs `drawn_pairs` gives of each row: all that there are, `num_pairs` at most."""
    return np.minimum(_pairs(asked_BT, max_distance).sum(axis=(1, 2)), num_pairs)


def drawn_pairs(
    asked_BT: Bool[np.ndarray, "b t"],
    *,
    num_pairs: int,
    max_distance: int,
    seed: int,
    first_row: int = 0,
) -> DrawnPairs:
    """Up to `num_pairs` pairs of asked positions of each row, drawn evenly without replacement.

    Args:
        asked_BT: which positions are asked.
        num_pairs: most pairs of a row.
        max_distance: most tokens from one position to the other.
        seed: of the step.
        first_row: number of the first row among those of the step.

    Returns:
        The pairs, in the order of their rows.
    """
    pairs_BDT = _pairs(asked_BT, max_distance)
    num_rows, num_distances, length = pairs_BDT.shape
    keys_BDT = _keys(seed, first_row + np.arange(num_rows), num_distances, length)
    keys_BX = np.where(pairs_BDT, keys_BDT, _NEVER).reshape(num_rows, num_distances * length)
    order_BX = np.argsort(keys_BX, axis=1, kind="stable")[:, :num_pairs]
    there_BX = np.take_along_axis(pairs_BDT.reshape(keys_BX.shape), order_BX, axis=1)
    rows_N, places_N = there_BX.nonzero()
    distances_N, firsts_N = np.divmod(order_BX[rows_N, places_N], max(length, 1))
    return DrawnPairs(rows_N, firsts_N, distances_N + 1)


def _pairs(asked_BT: np.ndarray, max_distance: int) -> Bool[np.ndarray, "b d t"]:
    """Which positions are the earlier ones of a pair, for each distance."""
    num_rows, length = asked_BT.shape
    num_distances = min(max_distance, max(length - 1, 0))
    pairs_BDT = np.zeros((num_rows, num_distances, length), bool)
    for distance in range(1, num_distances + 1):
        pairs_BDT[:, distance - 1, :-distance] = asked_BT[:, :-distance] & asked_BT[:, distance:]
    return pairs_BDT


def _keys(seed: int, rows_B: np.ndarray, num_distances: int, length: int) -> np.ndarray:
    """64-bit numbers (B, D, T) of SplitMix64, each a function of its place alone."""
    of_step = mixed(np.array([seed % 2**64], np.uint64) + STEP)
    of_row_B = mixed(of_step + (rows_B.astype(np.uint64) + np.uint64(1)) * STEP)
    distances_D = np.arange(1, num_distances + 1, dtype=np.uint64) << np.uint64(32)
    places_DT = distances_D[:, None] + np.arange(length, dtype=np.uint64)
    return mixed(of_row_B[:, None, None] + places_DT * STEP)
