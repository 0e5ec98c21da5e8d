"""How much training it takes to reach a given figure."""
# S steps.

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num


def steps_to_reach(
    values_S: Float[np.ndarray, " steps"], steps_S: Num[np.ndarray, " steps"], target: float
) -> float:
    """Where a curve first reaches `target`, on straight lines between its measurements (ours).

    Args:
        values_S: a figure at each measurement, mean APT for instance; no NaN.
        steps_S: steps, or tokens seen, at each measurement, ascending.
        target: what is to be reached, from below.

    Returns:
        A number in the unit of `steps_S`: the first measurement's if that has reached it, NaN if
        none has.

    >>> steps_to_reach(np.array([0.0, 0.2, 0.6]), np.array([0, 100, 200]), 0.5)
    175.0
    """
    reached = np.flatnonzero(values_S >= target)
    if not len(reached):
        return float("nan")
    last = int(reached[0])
    if last == 0:
        return float(steps_S[0])
    low, high = values_S[last - 1], values_S[last]
    share = (target - low) / (high - low)
    return float(steps_S[last - 1] + share * (steps_S[last] - steps_S[last - 1]))
