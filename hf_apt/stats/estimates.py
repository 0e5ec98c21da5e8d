"""Means, correlations and slopes with their standard errors, and how they become JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student_t


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error."""

    value: float
    """The mean; NaN over nothing."""

    standard_error: float
    """Its standard error; NaN below two summands."""

    num: int
    """Number of summands: tokens for a mean APT, positions for an accuracy."""


def mean_estimate(values_V: Float[np.ndarray, " vocab"]) -> Estimate:
    """The unweighted mean of a per-token value, NaN entries left out.

    Tokens are the sampling unit: the standard error is the standard deviation over tokens by the
    square root of their number. It holds both the spread between tokens and the finite number of
    occurrences of each, and holds for tokens asked only once (ours).
    """
    values = values_V[~np.isnan(values_V)]
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return Estimate(
        float(values.mean()) if len(values) else float("nan"), float(error), len(values)
    )


@dataclass(frozen=True)
class Slope:
    """The slope of a straight line with its 95 % confidence interval."""

    value: float
    """Change of y for a change of x by one; NaN where x is constant."""

    standard_error: float
    """Heteroscedasticity-robust (HC3); NaN below three pairs or if one pair alone decides."""

    low: float
    """Lower end of the interval, by Student's t of n - 2 degrees of freedom; NaN as the error."""

    high: float
    """Upper end."""

    num: int
    """Number of pairs n."""


def pearson(x_N: Float[np.ndarray, " n"], y_N: Float[np.ndarray, " n"]) -> Estimate:
    """Pearson's correlation in [-1, 1]; NaN where one of the two is constant.

    The standard error is the infinitesimal jackknife's, from how far each pair moves the value; it
    holds whatever the distribution, and is NaN below three pairs (ours).

    >>> round(pearson(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 2.0])).value, 6)
    0.5
    """
    if _is_constant(x_N) or _is_constant(y_N):
        return Estimate(float("nan"), float("nan"), len(x_N))
    u_N, v_N = (x_N - x_N.mean()) / x_N.std(), (y_N - y_N.mean()) / y_N.std()
    value = float((u_N * v_N).mean())
    return _correlation(value, u_N * v_N - value / 2 * (u_N**2 + v_N**2))


def spearman(x_N: Float[np.ndarray, " n"], y_N: Float[np.ndarray, " n"]) -> Estimate:
    """Spearman's rank correlation in [-1, 1], equal values sharing their mean rank.

    NaN where one of the two is constant. The standard error is found as in `pearson`; a pair moves
    the value by its own ranks and by the ranks of those above it.

    >>> round(spearman(np.array([0.0, 1.0, 2.0]), np.array([1.0, 9.0, 2.0])).value, 6)
    0.5
    """
    if _is_constant(x_N) or _is_constant(y_N):
        return Estimate(float("nan"), float("nan"), len(x_N))
    ones_N = np.ones(len(x_N))
    # Ranks from -1/2 to 1/2, then standardised.
    rank_x_N, rank_y_N = 0.5 - _share_above(x_N, ones_N), 0.5 - _share_above(y_N, ones_N)
    u_N, v_N = rank_x_N / rank_x_N.std(), rank_y_N / rank_y_N.std()
    value = float((u_N * v_N).mean())
    influence_N = u_N * v_N - value / 2 * (u_N**2 + v_N**2)
    influence_N += _share_above(x_N, v_N - value * u_N) / rank_x_N.std()
    influence_N += _share_above(y_N, u_N - value * v_N) / rank_y_N.std()
    return _correlation(value, influence_N)


def slope(x_N: Float[np.ndarray, " n"], y_N: Float[np.ndarray, " n"]) -> Slope:
    """The slope of y on x by least squares.

    Its variance is HC3's (MacKinnon and White 1985), which holds though the spread of y changes
    with x: the sum over pairs of the square by which leaving the pair out moves the slope.

    >>> found = slope(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 2.0, 4.0, 6.0]))
    >>> found.value, found.low, found.high
    (2.0, 2.0, 2.0)
    """
    nan, num = float("nan"), len(x_N)
    if _is_constant(x_N):
        return Slope(nan, nan, nan, nan, num)
    dx_N, dy_N = x_N - x_N.mean(), y_N - y_N.mean()
    spread = (dx_N**2).sum()
    value = float((dx_N * dy_N).sum() / spread)
    remaining_N = 1 - 1 / num - dx_N**2 / spread
    if num < 3 or remaining_N.min() < 1e-9:  # without that pair there is no slope
        return Slope(value, nan, nan, nan, num)
    moves_N = dx_N * (dy_N - value * dx_N) / remaining_N / spread
    error = float(np.sqrt((moves_N**2).sum()))
    half = float(student_t.ppf(0.975, num - 2)) * error
    return Slope(value, error, value - half, value + half, num)


def _is_constant(values_N: np.ndarray) -> bool:
    return bool((values_N == values_N[:1]).all())


def _share_above(values_N: np.ndarray, weights_N: np.ndarray) -> np.ndarray:
    """For each value, the weight of the values above it, equal ones by half, over N."""
    _, group_N = np.unique(values_N, return_inverse=True)
    own = np.bincount(group_N, weights_N)
    return (own.sum() - own.cumsum() + own / 2)[group_N] / len(values_N)


def _correlation(value: float, influence_N: np.ndarray) -> Estimate:
    error = mean_estimate(influence_N).standard_error if len(influence_N) > 2 else float("nan")
    return Estimate(min(max(value, -1.0), 1.0), error, len(influence_N))


def over_seeds(
    accuracies_SD: Sequence[Float[np.ndarray, " depth"]], num_test: int
) -> list[Estimate]:
    """The mean accuracy of each depth over seeds, with its standard error.

    The error is that between seeds; of one seed alone, the binomial one of its `num_test` texts,
    which leaves out that another choice of texts would train otherwise.

    >>> over_seeds([np.array([0.5]), np.array([0.7])], 100)[0].value
    0.6
    """
    found = []
    for values_S in np.stack(list(accuracies_SD)).T:
        estimate = mean_estimate(values_S)
        if len(values_S) == 1:
            error = float(np.sqrt(estimate.value * (1 - estimate.value) / num_test))
            estimate = Estimate(estimate.value, error, 1)
        found.append(estimate)
    return found


def plain(value: Any) -> Any:
    """`value` as JSON: dataclasses as dictionaries, NaN as null."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    return value
