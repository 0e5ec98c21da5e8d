"""Label confidence of a fine-tuned classifier against the mean APT of an input's tokens.

arXiv 2509.03407 (abstract) states that the two are independent: tokens are mostly mistaken for
strong matches, so that the meaning survives. The paper's definition of confidence is not known to
us; here it is the largest softmax probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.special import softmax

from hf_apt.stats.estimates import Estimate, mean_estimate


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


def confidences(logits: Float[np.ndarray, "*n classes"]) -> Float[np.ndarray, "*n"]:
    """The label confidence of each input: the largest softmax probability, in (0, 1], float64.

    >>> confidences(np.zeros((1, 4), np.float32)).tolist()
    [0.25]
    """
    return softmax(logits.astype(np.float64), axis=-1).max(axis=-1)


def mean_apt_of_inputs(
    apt_V: Float[np.ndarray, " vocab"],
    ids_IT: Integer[np.ndarray, "inputs seq"],
    counted_IT: Bool[np.ndarray, "inputs seq"],
) -> Float[np.ndarray, " inputs"]:
    """The mean APT of each input's tokens, in [0, 1], repeated tokens counted each time.

    Left out: positions that are not in `counted_IT` (padding, special tokens) and tokens whose APT
    is NaN. NaN where nothing is left.

    >>> apt = np.array([0.5, 1.0, np.nan])
    >>> mean_apt_of_inputs(apt, np.array([[0, 1, 2], [2, 2, 2]]), np.ones((2, 3), bool)).tolist()
    [0.75, nan]
    """
    apt_IT = apt_V[ids_IT]
    counted_IT = counted_IT & ~np.isnan(apt_IT)
    num_I = counted_IT.sum(axis=1)
    sum_I = np.where(counted_IT, apt_IT, 0.0).sum(axis=1)
    return np.where(num_I > 0, sum_I / np.maximum(num_I, 1), np.nan)


def equal_count_bins(
    values_X: Float[np.ndarray, " values"], num_bins: int
) -> Integer[np.ndarray, " values"]:
    """The bin of each value, 0 to `num_bins` - 1, lowest values first.

    Bins hold equal numbers of values (they differ by one at most), except that equal values share
    the bin of the first of them.

    >>> equal_count_bins(np.array([0.9, 0.1, 0.1, 0.5]), 2).tolist()
    [1, 0, 0, 1]
    """
    num_below_X = np.searchsorted(np.sort(values_X), values_X)
    return num_below_X * num_bins // max(len(values_X), 1)


def confidence_bins(
    confidence_I: Float[np.ndarray, " inputs"],
    mean_apt_I: Float[np.ndarray, " inputs"],
    correct_I: Float[np.ndarray, " inputs"] | None = None,
    *,
    num_bins: int = 10,
) -> list[ConfidenceBin]:
    """Confidence and accuracy of the inputs in `equal_count_bins` of mean APT, lowest first.

    Bins left empty by equal values are left out.
    """
    bin_I = equal_count_bins(mean_apt_I, num_bins)
    if correct_I is None:
        correct_I = np.full(len(mean_apt_I), np.nan)
    return [
        ConfidenceBin(
            low=float(mean_apt_I[bin_I == index].min()),
            high=float(mean_apt_I[bin_I == index].max()),
            confidence=mean_estimate(confidence_I[bin_I == index]),
            accuracy=mean_estimate(correct_I[bin_I == index]),
        )
        for index in np.unique(bin_I)
    ]
