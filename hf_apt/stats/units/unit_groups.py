"""Units that are active alike, as groups; and how alike the units of a group are.

Groups by k-means on activation patterns: Yoo et al. 2018, arXiv 1710.02277.
"""
# N inputs, U units.

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

_NUM_STARTS = 4
"""Starts of k-means, of which the tightest grouping is kept."""


def activation_groups(
    activations_NU: Float[np.ndarray, "inputs units"], num_groups: int, *, seed: int
) -> Int[np.ndarray, " units"]:
    """The group of each unit, by k-means on the columns: units are points, inputs dimensions.

    Args:
        activations_NU: the activation of each unit for each input, finite.
        num_groups: at least 1. With as many as there are units, or more, each is a group of its
            own; where fewer units than groups differ, there are only as many groups.
        seed: of the starts of k-means, whose result depends on nothing else.

    Returns:
        The number of its group for each unit, int64; groups are numbered by their first unit.
    """
    num_units = activations_NU.shape[1]
    if num_groups >= num_units:
        return np.arange(num_units)
    points_UN = np.ascontiguousarray(activations_NU.T, np.float64)
    num_groups = min(num_groups, len(np.unique(points_UN, axis=0)))
    from sklearn.cluster import KMeans

    starts: Any = _NUM_STARTS  # whose stub knows "auto" alone
    clusters = KMeans(num_groups, n_init=starts, random_state=seed)
    return _by_first_unit(clusters.fit_predict(points_UN))


def random_groups(groups_U: Int[np.ndarray, " units"], *, seed: int) -> Int[np.ndarray, " units"]:
    """Groups of the same sizes as `groups_U`, of units drawn at random; numbered as those are."""
    return _by_first_unit(np.random.default_rng(seed).permutation(groups_U))


def spread_within(
    activations_NU: Float[np.ndarray, "inputs units"], groups_U: Int[np.ndarray, " units"]
) -> float:
    """The share of the units' spread that is within groups: inertia over total inertia, in [0, 1].

    0 where the units of a group are active alike, 1 where all groups have one mean; NaN where all
    units are alike.
    """
    points_UN = activations_NU.T.astype(np.float64)
    num_G = np.bincount(groups_U)
    means_GN = np.zeros((len(num_G), points_UN.shape[1]))
    np.add.at(means_GN, groups_U, points_UN)
    means_GN /= np.maximum(num_G, 1)[:, None]
    total = ((points_UN - points_UN.mean(axis=0)) ** 2).sum()
    within = ((points_UN - means_GN[groups_U]) ** 2).sum()
    return float(within / total) if total > 0 else float("nan")


def purity(groups_U: Int[np.ndarray, " units"], classes_U: Int[np.ndarray, " units"]) -> float:
    """The share of units that are of the commonest class of their group, in (0, 1].

    >>> purity(np.array([0, 0, 0, 1]), np.array([5, 5, 7, 7]))
    0.75
    """
    table_GC = np.zeros((groups_U.max() + 1, classes_U.max() + 1), np.int64)
    np.add.at(table_GC, (groups_U, classes_U), 1)
    return float(table_GC.max(axis=1).sum() / len(groups_U))


def _by_first_unit(groups_U: np.ndarray) -> Int[np.ndarray, " units"]:
    """The same groups, numbered in the order of their first units."""
    _, first_G, number_U = np.unique(groups_U, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first_G))[number_U].astype(np.int64)
