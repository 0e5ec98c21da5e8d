"""Which tokens a linear read-out of few numbers can answer at all, and the hull of a curve."""
# V tokens, K numbers that are read.

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

MOST_NUMBERS = 3
"""Numbers K for which the hull is computed: its cost grows exponentially with them."""


def answerable(
    weight_VK: Float[np.ndarray, "vocab numbers"], bias_V: Float[np.ndarray, " vocab"]
) -> Bool[np.ndarray, " vocab"]:
    """The tokens that `weight x + bias` is largest for at some x: the convex-hull bound.

    Token v is largest somewhere if and only if the point (weight_v, bias_v) is a corner of the
    upper side of the convex hull of all tokens' points. Whatever the numbers are, no other token is
    ever answered, so that mean APT is at most the share of such tokens. One number answers few
    tokens, those on the upper envelope of V straight lines. arXiv 2601.20582 bounds what single
    nodes learn by convex hulls; that the hull is this one is our reading.

    Args:
        weight_VK: a row for each token, K from 1 to 3.
        bias_V: a number for each token.

    Returns:
        Booleans of shape (V,). A token that only ties with others is not among them.

    Raises:
        ValueError: for K outside 1 to 3, and for what is not finite.

    >>> answerable(np.array([[-1.0], [0.0], [1.0]]), np.array([0.0, -1.0, 0.0])).tolist()
    [True, False, True]
    """
    num = weight_VK.shape[1]
    if not 1 <= num <= MOST_NUMBERS:
        raise ValueError(f"the hull is computed for 1 to {MOST_NUMBERS} numbers, not {num}.")
    if not np.isfinite(weight_VK).all() or not np.isfinite(bias_V).all():
        raise ValueError("a weight or bias of the read-out is not finite.")
    weight_VK, bias_V = weight_VK.astype(np.float64), bias_V.astype(np.float64)
    corners = _envelope(weight_VK[:, 0], bias_V) if num == 1 else _upper_hull(weight_VK, bias_V)
    is_corner_V = np.zeros(len(bias_V), bool)
    is_corner_V[corners] = True
    return is_corner_V


def _envelope(slope_V: np.ndarray, height_V: np.ndarray) -> list[int]:
    """The straight lines that are highest somewhere, from left to right."""
    kept: list[int] = []
    for line in np.lexsort((height_V, slope_V)).tolist():
        if kept and slope_V[kept[-1]] == slope_V[line]:
            kept.pop()  # parallel, and lower
        while len(kept) > 1 and _is_below(kept[-2], kept[-1], line, slope_V, height_V):
            kept.pop()
        kept.append(line)
    return kept


def _is_below(left: int, middle: int, right: int, slope: np.ndarray, height: np.ndarray) -> bool:
    """Whether the middle line is nowhere above both others, slopes growing from left to right."""
    rise = (height[middle] - height[left]) * (slope[right] - slope[middle])
    return rise <= (height[right] - height[middle]) * (slope[middle] - slope[left])


def _upper_hull(weight_VK: np.ndarray, bias_V: np.ndarray) -> list[int]:
    from scipy.spatial import ConvexHull, QhullError

    points = np.concatenate([weight_VK, bias_V[:, None]], axis=1)
    far_below = points.mean(axis=0)
    far_below[-1] = bias_V.min() - 1 - np.ptp(bias_V)  # so that flat points span a volume too
    try:
        hull = ConvexHull(np.concatenate([points, far_below[None]]))
    except QhullError:  # the weights lie in a plane: fewer numbers would do
        raise ValueError(
            "the read-out's weights do not span as many directions as it reads."
        ) from None
    upper = hull.simplices[hull.equations[:, -2] > 1e-12]
    return sorted(set(upper.ravel().tolist()) - {len(points)})


def concave_hull(x_P: Sequence[float], y_P: Sequence[float]) -> Float[np.ndarray, " points"]:
    """The smallest concave curve over the points, at each x: what chance mixtures of them reach.

    >>> concave_hull([0, 1, 2], [0.0, 0.1, 1.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    x, y = np.asarray(x_P, np.float64), np.asarray(y_P, np.float64)
    corners: list[int] = []
    for at in range(len(x)):
        while len(corners) > 1 and _bends_up(x, y, corners[-2], corners[-1], at):
            corners.pop()
        corners.append(at)
    return np.interp(x, x[corners], y[corners])


def _bends_up(x: np.ndarray, y: np.ndarray, left: int, middle: int, right: int) -> bool:
    first = (y[middle] - y[left]) * (x[right] - x[middle])
    return bool(first <= (y[right] - y[middle]) * (x[middle] - x[left]))
