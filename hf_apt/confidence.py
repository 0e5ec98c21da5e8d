"""Label confidence of a fine-tuned classifier against the mean APT of an input's tokens.

arXiv 2509.03407 (abstract) states that the two are independent: tokens are mostly mistaken for
strong matches, so that the meaning survives. The paper's definition of confidence is not known to
us; here it is the largest softmax probability.
"""
# B inputs, T sequence positions, V vocabulary, N inputs.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.special import softmax
from scipy.stats import t as student_t

from hf_apt.apt import Estimate, mean_over_tokens


@dataclass(frozen=True)
class ConfidenceBin:
    """Inputs whose mean APT lies in [low, high]."""

    low: float
    """Smallest mean APT of the bin's inputs."""

    high: float
    """Largest mean APT of the bin's inputs."""

    confidence: Estimate
    """Mean label confidence of the bin's inputs."""

    accuracy: Estimate
    """Share of the bin's labels that are right; NaN over nothing where that is not known."""


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


def confidences(logits: Float[np.ndarray, "*n classes"]) -> Float[np.ndarray, "*n"]:
    """The label confidence of each input: the largest softmax probability, in (0, 1], float64.

    >>> confidences(np.zeros((1, 4), np.float32)).tolist()
    [0.25]
    """
    return softmax(logits.astype(np.float64), axis=-1).max(axis=-1)


def mean_apt_of_inputs(
    apt_V: Float[np.ndarray, " vocab"],
    ids_BT: Integer[np.ndarray, "batch seq"],
    counted_BT: Bool[np.ndarray, "batch seq"],
) -> Float[np.ndarray, " batch"]:
    """The mean APT of each input's tokens, in [0, 1], repeated tokens counted as often.

    Left out: positions that are not in `counted_BT` (padding, special tokens) and tokens whose APT
    is NaN. NaN where nothing is left.

    >>> apt = np.array([0.5, 1.0, np.nan])
    >>> mean_apt_of_inputs(apt, np.array([[0, 1, 2], [2, 2, 2]]), np.ones((2, 3), bool)).tolist()
    [0.75, nan]
    """
    apt_BT = apt_V[ids_BT]
    counted_BT = counted_BT & ~np.isnan(apt_BT)
    num_B = counted_BT.sum(axis=1)
    sum_B = np.where(counted_BT, apt_BT, 0.0).sum(axis=1)
    return np.where(num_B > 0, sum_B / np.maximum(num_B, 1), np.nan)


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


def equal_count_bins(values_N: Float[np.ndarray, " n"], num_bins: int) -> Integer[np.ndarray, " n"]:
    """The bin of each value, 0 to `num_bins` - 1, lowest values first.

    Bins hold equal numbers of values (they differ by one at most), except that equal values share
    the bin of the first of them.

    >>> equal_count_bins(np.array([0.9, 0.1, 0.1, 0.5]), 2).tolist()
    [1, 0, 0, 1]
    """
    num_below_N = np.searchsorted(np.sort(values_N), values_N)
    return num_below_N * num_bins // max(len(values_N), 1)


def confidence_bins(
    confidence_N: Float[np.ndarray, " n"],
    mean_apt_N: Float[np.ndarray, " n"],
    correct_N: Float[np.ndarray, " n"] | None = None,
    *,
    num_bins: int = 10,
) -> list[ConfidenceBin]:
    """Confidence and accuracy of the inputs in `equal_count_bins` of mean APT, lowest first.

    Bins left empty by equal values are left out.
    """
    bin_N = equal_count_bins(mean_apt_N, num_bins)
    if correct_N is None:
        correct_N = np.full(len(mean_apt_N), np.nan)
    return [
        ConfidenceBin(
            low=float(mean_apt_N[bin_N == index].min()),
            high=float(mean_apt_N[bin_N == index].max()),
            confidence=mean_over_tokens(confidence_N[bin_N == index]),
            accuracy=mean_over_tokens(correct_N[bin_N == index]),
        )
        for index in np.unique(bin_N)
    ]


def _is_constant(values_N: np.ndarray) -> bool:
    return bool((values_N == values_N[:1]).all())


def _share_above(values_N: np.ndarray, weights_N: np.ndarray) -> np.ndarray:
    """For each value, the weight of the values above it, equal ones by half, over N."""
    _, group_N = np.unique(values_N, return_inverse=True)
    own = np.bincount(group_N, weights_N)
    return (own.sum() - own.cumsum() + own / 2)[group_N] / len(values_N)


def _correlation(value: float, influence_N: np.ndarray) -> Estimate:
    error = mean_over_tokens(influence_N).standard_error if len(influence_N) > 2 else float("nan")
    return Estimate(min(max(value, -1.0), 1.0), error, len(influence_N))
