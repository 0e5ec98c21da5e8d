"""Means, correlations and slopes with their standard errors, and how they become JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from hf_apt.stats.notebooks.shown import ShownInNotebooks


@dataclass(frozen=True)
class Estimate(ShownInNotebooks):
    """A mean with its standard error."""

    value: float
    """The mean; NaN over nothing."""

    standard_error: float
    """Standard error of the mean; NaN below two summands."""

    num: int
    """Number of summands: tokens for a mean APT, positions for an accuracy."""

    def facts(self) -> dict[str, str]:
        """The value with its error, and what it is over.

        Returns:
            The figures as text, by what they are called.
        """
        return {"value": f"{self.value:.4g} ± {self.standard_error:.2g}", "over": f"{self.num:,}"}


def mean_estimate(values_X: Float[np.ndarray, " values"]) -> Estimate:
    """The unweighted mean of values, such as one for each token, NaN entries left out.

    Values are the sampling unit: the standard error is their standard deviation over the square
    root of their number. For tokens it includes both the spread between tokens and the finite
    number of occurrences of each, and holds for tokens asked for only once (ours).
    """
    values_X = values_X[~np.isnan(values_X)]
    error = values_X.std(ddof=1) / np.sqrt(len(values_X)) if len(values_X) > 1 else np.nan
    return Estimate(
        float(values_X.mean()) if len(values_X) else float("nan"), float(error), len(values_X)
    )


def share_estimate(part: int, num: int) -> Estimate:
    """The share of `part` in `num`, with its binomial error; NaN over nothing.

    >>> share_estimate(1, 4).value
    0.25
    """
    if num == 0:
        return Estimate(float("nan"), float("nan"), 0)
    share = float(part / num)
    error = np.sqrt(share * (1 - share) / num) if num > 1 else np.nan
    return Estimate(share, float(error), num)


def jackknife_error(left_GX: Float[np.ndarray, "groups ..."]) -> np.ndarray:
    """The standard error of values, by what they are without each of G groups in turn.

    The groups are the first axis. The error is that of the delete-a-group jackknife (Kott, Journal
    of Official Statistics 17, 2001); NaN below two groups.

    >>> float(jackknife_error(np.array([1.0, 2.0, 3.0])))
    1.1547005383792515
    """
    num = len(left_GX)
    if num < 2:
        return np.full(left_GX.shape[1:], np.nan)
    return np.sqrt((num - 1) / num * ((left_GX - left_GX.mean(axis=0)) ** 2).sum(axis=0))


@dataclass(frozen=True)
class Slope:
    """The slope of a straight line with its 95 % confidence interval."""

    value: float
    """Change of y for a change of x by one; NaN where x is constant."""

    standard_error: float
    """Robust standard error (HC3); NaN below three pairs or if one pair alone decides."""

    low: float
    """Lower end of the interval, by Student's t with n - 2 degrees of freedom; NaN as the error."""

    high: float
    """Upper end of the interval; NaN as the error."""

    num: int
    """Number of pairs n."""


def pearson(x_X: Float[np.ndarray, " values"], y_X: Float[np.ndarray, " values"]) -> Estimate:
    """Pearson's correlation in [-1, 1]; NaN where one of the two is constant.

    The standard error is the infinitesimal jackknife's, from how far each pair moves the value; it
    holds whatever the distribution, and is NaN below three pairs (ours).

    >>> round(pearson(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 2.0])).value, 6)
    0.5
    """
    if _is_constant(x_X) or _is_constant(y_X):
        return Estimate(float("nan"), float("nan"), len(x_X))
    u_X, v_X = (x_X - x_X.mean()) / x_X.std(), (y_X - y_X.mean()) / y_X.std()
    value = float((u_X * v_X).mean())
    return _correlation(value, u_X * v_X - value / 2 * (u_X**2 + v_X**2))


def spearman(x_X: Float[np.ndarray, " values"], y_X: Float[np.ndarray, " values"]) -> Estimate:
    """Spearman's rank correlation in [-1, 1], equal values sharing their mean rank.

    NaN where one of the two is constant. The standard error is computed as in `pearson`; a
    pair moves the value by its own ranks and by the ranks of those above it.

    >>> round(spearman(np.array([0.0, 1.0, 2.0]), np.array([1.0, 9.0, 2.0])).value, 6)
    0.5
    """
    if _is_constant(x_X) or _is_constant(y_X):
        return Estimate(float("nan"), float("nan"), len(x_X))
    ones_X = np.ones(len(x_X))
    # Ranks from -1/2 to 1/2, then standardised.
    rank_x_X, rank_y_X = 0.5 - _share_above(x_X, ones_X), 0.5 - _share_above(y_X, ones_X)
    u_X, v_X = rank_x_X / rank_x_X.std(), rank_y_X / rank_y_X.std()
    value = float((u_X * v_X).mean())
    influence_X = u_X * v_X - value / 2 * (u_X**2 + v_X**2)
    influence_X += _share_above(x_X, v_X - value * u_X) / rank_x_X.std()
    influence_X += _share_above(y_X, u_X - value * v_X) / rank_y_X.std()
    return _correlation(value, influence_X)


def slope(x_X: Float[np.ndarray, " values"], y_X: Float[np.ndarray, " values"]) -> Slope:
    """The slope of y on x by least squares.

    Its variance is HC3's (MacKinnon and White 1985), which holds even if the spread of y changes
    with x: the sum over pairs of the square by which leaving the pair out moves the slope.

    >>> line = slope(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 2.0, 4.0, 6.0]))
    >>> line.value, line.low, line.high
    (2.0, 2.0, 2.0)
    """
    nan, num = float("nan"), len(x_X)
    if _is_constant(x_X):
        return Slope(nan, nan, nan, nan, num)
    dx_X, dy_X = x_X - x_X.mean(), y_X - y_X.mean()
    spread = (dx_X**2).sum()
    value = float((dx_X * dy_X).sum() / spread)
    remaining_X = 1 - 1 / num - dx_X**2 / spread
    if num < 3 or remaining_X.min() < 1e-9:  # without that pair there is no slope
        return Slope(value, nan, nan, nan, num)
    moves_X = dx_X * (dy_X - value * dx_X) / remaining_X / spread
    error = float(np.sqrt((moves_X**2).sum()))
    from scipy.stats import t as student_t

    half = float(student_t.ppf(0.975, num - 2)) * error
    return Slope(value, error, value - half, value + half, num)


def _is_constant(values_X: np.ndarray) -> bool:
    return bool((values_X == values_X[:1]).all())


def _share_above(values_X: np.ndarray, weights_X: np.ndarray) -> np.ndarray:
    """For each value, the weight of those above it, equal ones by half, over their number."""
    _, group_X = np.unique(values_X, return_inverse=True)
    own = np.bincount(group_X, weights_X)
    return (own.sum() - own.cumsum() + own / 2)[group_X] / len(values_X)


def _correlation(value: float, influence_X: np.ndarray) -> Estimate:
    error = mean_estimate(influence_X).standard_error if len(influence_X) > 2 else float("nan")
    return Estimate(min(max(value, -1.0), 1.0), error, len(influence_X))


def over_seeds(
    accuracies_RD: Sequence[Float[np.ndarray, " depth"]], num_test: int
) -> list[Estimate]:
    """The mean accuracy of each depth over seeds, with its standard error.

    The error is that between seeds; of one seed alone, the binomial one of its `num_test` texts,
    which ignores that training on other texts would give another model.

    >>> over_seeds([np.array([0.5]), np.array([0.7])], 100)[0].value
    0.6
    """
    estimates = []
    for values_R in np.stack(list(accuracies_RD)).T:
        estimate = mean_estimate(values_R)
        if len(values_R) == 1:
            error = float(np.sqrt(estimate.value * (1 - estimate.value) / num_test))
            estimate = Estimate(estimate.value, error, 1)
        estimates.append(estimate)
    return estimates


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
