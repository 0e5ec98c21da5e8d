"""Calibration of a classifier: is a label given with confidence p right in a share p of cases?

Expected calibration error and reliability curve (Guo et al. 2017), negative log-likelihood and
Brier score (1950).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Integer
from scipy.special import log_softmax

from hf_apt.stats.confidence import confidences, equal_count_bins
from hf_apt.stats.estimates import Estimate, mean_estimate

NUM_BINS = 15
"""Number of bins of a reliability curve, that of Guo et al."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Inputs of about equal confidence."""

    confidence: Estimate
    """Mean confidence, in [0, 1]."""

    accuracy: Estimate
    """Share of right labels, in [0, 1]."""

    @property
    def gap(self) -> float:
        """Mean confidence less accuracy, in [-1, 1]."""
        return self.confidence.value - self.accuracy.value


def equal_width_bins(
    confidence_I: Float[np.ndarray, " inputs"], num_bins: int = NUM_BINS
) -> Integer[np.ndarray, " inputs"]:
    """The bin of each confidence: bin k holds (k / num_bins, (k + 1) / num_bins], the first also 0.

    >>> equal_width_bins(np.array([0.0, 0.5, 0.51, 1.0]), 2).tolist()
    [0, 0, 1, 1]
    """
    return np.searchsorted(np.linspace(0, 1, num_bins + 1)[1:-1], confidence_I)


def reliability(
    confidence_I: Float[np.ndarray, " inputs"],
    correct_I: Float[np.ndarray, " inputs"],
    bin_I: Integer[np.ndarray, " inputs"],
) -> list[ReliabilityBin]:
    """The reliability curve: the bins that hold an input, lowest first.

    `bin_I` is what `equal_width_bins` or `hf_apt.stats.confidence.equal_count_bins` returns.
    """
    return [
        ReliabilityBin(
            mean_estimate(confidence_I[bin_I == index]),
            mean_estimate(correct_I[bin_I == index]),
        )
        for index in np.unique(bin_I)
    ]


def expected_calibration_error(
    confidence_I: Float[np.ndarray, " inputs"],
    correct_I: Float[np.ndarray, " inputs"],
    bin_I: Integer[np.ndarray, " inputs"],
) -> float:
    """The mean distance of confidence from accuracy over bins, weighted by inputs, in [0, 1].

    Never below 0, so that even a calibrated classifier has some: see `error_if_calibrated`.

    >>> expected_calibration_error(np.ones(4), np.array([1.0, 0.0, 1.0, 0.0]), np.zeros(4, int))
    0.5
    """
    excess = np.bincount(bin_I, confidence_I - correct_I)
    return float(np.abs(excess).sum() / len(bin_I))


def error_if_calibrated(
    confidence_I: Float[np.ndarray, " inputs"],
    bin_I: Integer[np.ndarray, " inputs"],
    *,
    num_draws: int = 500,
    seed: int = 0,
) -> tuple[float, float]:
    """Mean and 95 % quantile of the expected calibration error of a calibrated classifier.

    Labels are drawn as right with the probability that is their confidence (consistency
    resampling: Bröcker and Smith 2007).
    """
    rng = np.random.default_rng(seed)
    errors = [
        expected_calibration_error(
            confidence_I, (rng.random(len(confidence_I)) < confidence_I).astype(float), bin_I
        )
        for _ in range(num_draws)
    ]
    return float(np.mean(errors)), float(np.quantile(errors, 0.95))


def negative_log_likelihood(
    logits_IC: Float[np.ndarray, "inputs classes"], labels_I: Integer[np.ndarray, " inputs"]
) -> Float[np.ndarray, " inputs"]:
    """Minus the logarithm of the probability of each input's label, in nats, at least 0.

    >>> negative_log_likelihood(np.zeros((1, 4)), np.array([2])).round(4).tolist()
    [1.3863]
    """
    log_p_IC = log_softmax(logits_IC.astype(np.float64), axis=1)
    return -np.take_along_axis(log_p_IC, labels_I[:, None], axis=1)[:, 0]


def brier_score(
    logits_IC: Float[np.ndarray, "inputs classes"], labels_I: Integer[np.ndarray, " inputs"]
) -> Float[np.ndarray, " inputs"]:
    """The squared distance of each input's probabilities from its label's 1 and the others' 0.

    In [0, 2]: Brier's own sum over the classes, not half of it.

    >>> brier_score(np.zeros((1, 2)), np.array([1])).tolist()
    [0.5]
    """
    p_IC = np.exp(log_softmax(logits_IC.astype(np.float64), axis=1))
    return ((p_IC - np.eye(p_IC.shape[1])[labels_I]) ** 2).sum(axis=1)


def calibration(
    logits_IC: Float[np.ndarray, "inputs classes"], labels_I: Integer[np.ndarray, " inputs"]
) -> dict[str, Any]:
    """All figures of a classifier's logits, confidence being the largest softmax probability.

    - `negative_log_likelihood`, `brier_score`: estimates over inputs.
    - `equal_width` and `equal_count`, for bins of confidence of either kind: `error`, the expected
      calibration error; `error_if_calibrated` and `error_if_calibrated_95`, its mean and 95 %
      quantile if confidence were the true probability; `curve`, a list of `ReliabilityBin`.
    """
    confidence_I = confidences(logits_IC)
    correct_I = (logits_IC.argmax(axis=1) == labels_I).astype(float)
    figures: dict[str, Any] = {
        "negative_log_likelihood": mean_estimate(negative_log_likelihood(logits_IC, labels_I)),
        "brier_score": mean_estimate(brier_score(logits_IC, labels_I)),
    }
    for name, bins in (("equal_width", equal_width_bins), ("equal_count", equal_count_bins)):
        bin_I = bins(confidence_I, NUM_BINS)
        mean, high = error_if_calibrated(confidence_I, bin_I)
        figures[name] = {
            "error": expected_calibration_error(confidence_I, correct_I, bin_I),
            "error_if_calibrated": mean,
            "error_if_calibrated_95": high,
            "curve": reliability(confidence_I, correct_I, bin_I),
        }
    return figures
