"""Groups of neighbouring sequences, which an error over text leaves out in turn.

Sequences of one document are not independent, and packed text has documents longer than a
sequence. A group is a stretch of the text, so that few documents lie in two groups: the jackknife
of Künsch (The Jackknife and the Bootstrap for General Stationary Observations, Annals of
Statistics 17, 1989), with stretches that do not overlap.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

NUM_GROUPS = 20
"""Groups of neighbouring sequences at most."""

OVER_GROUPS = f"its error over up to {NUM_GROUPS} stretches of the text"
"""What an error is over, as legends say it."""


def groups_of_neighbours(
    numbers_N: Int[np.ndarray, " n"], num: int, num_groups: int = NUM_GROUPS
) -> Int[np.ndarray, " n"]:
    """The group of each number below `num`, from 0: neighbours together, groups of like size.

    Fewer numbers than groups are a group each.

    >>> groups_of_neighbours(np.arange(8), 8, num_groups=3).tolist()
    [0, 0, 0, 1, 1, 1, 2, 2]
    >>> groups_of_neighbours(np.arange(2), 2, num_groups=3).tolist()
    [0, 1]
    """
    return numbers_N * min(num_groups, num) // num
