"""In how many directions features lie, and how alike they are: what a penalty may make collapse."""
# N features, E their width.

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float


def effective_rank(features: Float[np.ndarray, "n width"]) -> float:
    """The number of directions that features use: exp of the entropy of their singular values.

    Roy and Vetterli 2007, "The Effective Rank", from 1 (all on a line through 0) to the smaller of
    rows and columns (equal singular values). NaN where all features are 0. They are not centred: a
    common direction counts, as it does in a Rademacher complexity.

    >>> round(effective_rank(np.eye(3)), 6)
    3.0
    """
    values_K = np.linalg.svd(np.asarray(features, np.float64), compute_uv=False)
    if not values_K.sum():
        return math.nan
    shares_K = values_K[values_K > 0] / values_K.sum()
    return float(np.exp(-(shares_K * np.log(shares_K)).sum()))


def mean_cosine(features: Float[np.ndarray, "n width"]) -> float:
    """The mean cosine of all pairs of different features, from -1/(n - 1) to 1.

    Features that are 0 are left out; NaN where fewer than two are left.

    >>> round(mean_cosine(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])), 6)
    0.333333
    """
    features_NE = np.asarray(features, np.float64)
    lengths_N1 = np.linalg.norm(features_NE, axis=1, keepdims=True)
    units_NE = features_NE[lengths_N1[:, 0] > 0] / lengths_N1[lengths_N1[:, 0] > 0]
    num = len(units_NE)
    if num < 2:
        return math.nan
    total = np.square(units_NE.sum(axis=0)).sum()
    return float((total - num) / (num * (num - 1)))
