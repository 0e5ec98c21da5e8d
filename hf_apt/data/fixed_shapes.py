"""Batches of one shape: the modified positions, filled up to a number that hardly ever changes.

How many positions are modified is drawn; arrays of ever new lengths make compiled programs compile
anew, and a CUDA graph impossible. The law of masking stays: nothing is dropped, and places that
only fill up are such as nobody asks for. Ours.
"""
# B batch, T sequence position, K places of a batch.

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Int, Integer

from hf_apt.stats.counts import NOT_ASKED

_MULTIPLE = 64


def usual_capacity(num_positions: int, rate: float) -> int:
    """Places for the modified ones of `num_positions`: mean and four standard deviations.

    Rounded up to 64: 768 for 32 x 128 positions at 15 %. One batch in 30,000 lies so far above the
    mean.
    """
    enough = num_positions * rate + 4 * math.sqrt(num_positions * rate * (1 - rate))
    return _up(enough)


def fixed_places(
    labels_BT: Integer[np.ndarray, "batch seq"], capacity: int
) -> Int[np.ndarray, " places"]:
    """The flat places of all labels, ascending, filled up to `capacity` with an unasked one.

    Where there are more labels than that, the next multiple of 64 is filled; where no place is
    unasked, nothing.
    """
    labels_M = labels_BT.reshape(-1)
    asked_N = np.flatnonzero(labels_M != NOT_ASKED)
    unasked = np.flatnonzero(labels_M == NOT_ASKED)[:1]
    room = capacity if len(asked_N) <= capacity else _up(len(asked_N))
    return np.concatenate([asked_N, np.resize(unasked, room - len(asked_N) if len(unasked) else 0)])


def _up(number: float) -> int:
    """`number`, rounded up to a multiple of 64."""
    return _MULTIPLE * math.ceil(number / _MULTIPLE)
