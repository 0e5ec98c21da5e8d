"""Batches of one shape: the modified positions, filled up to a number that hardly ever changes.

The number of modified positions is random. Arrays of ever new lengths make compiled programs
compile again, and a CUDA graph impossible. The law of masking stays: nothing is dropped, and
padding indices point at a position whose label is -100. Source: ours.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Int, Integer

from hf_apt.stats.counts import NOT_ASKED

_MULTIPLE = 64


def usual_capacity(num_positions: int, rate: float) -> int:
    """Room for the modified ones of `num_positions`: their mean and four standard deviations.

    Rounded up to 64: 768 for 32 x 128 positions at 15 %. One batch in 30,000 has more.
    """
    enough = num_positions * rate + 4 * math.sqrt(num_positions * rate * (1 - rate))
    return _up(enough)


def fixed_places(
    labels_BT: Integer[np.ndarray, "batch seq"], capacity: int
) -> Int[np.ndarray, " capacity"]:
    """The flat indices of all labels, ascending, filled up to `capacity` with that of another.

    If there are more labels than that, they are filled up to the next multiple of 64; if there is
    a label everywhere, nothing is added.
    """
    labels_P = labels_BT.reshape(-1)
    asked_N = np.flatnonzero(labels_P != NOT_ASKED)
    unasked = np.flatnonzero(labels_P == NOT_ASKED)[:1]
    room = capacity if len(asked_N) <= capacity else _up(len(asked_N))
    return np.concatenate([asked_N, np.resize(unasked, room - len(asked_N) if len(unasked) else 0)])


def _up(number: float) -> int:
    """`number`, rounded up to a multiple of 64."""
    return _MULTIPLE * math.ceil(number / _MULTIPLE)
