"""Calibration of a classifier: is a label that is given with confidence p right in p of the cases?

Expected calibration error and reliability curve (Guo et al. 2017), negative log-likelihood and
Brier score (1950).
"""
# N inputs, C classes.

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Integer
from scipy.special import log_softmax

from hf_apt.stats.confidence import confidences, equal_count_bins
from hf_apt.stats.estimates import Estimate, mean_estimate

NUM_BINS = 15
"""Bins of a reliability curve, as Guo et al. have them."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Inputs of about equal confidence."""

    confidence: Estimate
    """Mean confidence, in [0, 1]."""

    accuracy: Estimate
    """Share of right labels, in [0, 1]."""

    @property
    def gap(self) -> float:
        """How much more confident than right, in [-1, 1]."""
        return self.confidence.value - self.accuracy.value


def equal_width_bins(
    confidence_N: Float[np.ndarray, " n"], num_bins: int = NUM_BINS
) -> Integer[np.ndarray, " n"]:
    """The bin of each confidence: bin k holds (k / num_bins, (k + 1) / num_bins], the first also 0.

    >>> equal_width_bins(np.array([0.0, 0.5, 0.51, 1.0]), 2).tolist()
    [0, 0, 1, 1]
    """
    return np.searchsorted(np.linspace(0, 1, num_bins + 1)[1:-1], confidence_N)


def reliability(
    confidence_N: Float[np.ndarray, " n"],
    correct_N: Float[np.ndarray, " n"],
    bin_N: Integer[np.ndarray, " n"],
) -> list[ReliabilityBin]:
    """The reliability curve: the bins that hold an input, lowest first.

    `bin_N` is what `equal_width_bins` or `hf_apt.stats.confidence.equal_count_bins` returns.
    """
    return [
        ReliabilityBin(
            mean_estimate(confidence_N[bin_N == index]),
            mean_estimate(correct_N[bin_N == index]),
        )
        for index in np.unique(bin_N)
    ]


def expected_calibration_error(
    confidence_N: Float[np.ndarray, " n"],
    correct_N: Float[np.ndarray, " n"],
    bin_N: Integer[np.ndarray, " n"],
) -> float:
    """The mean distance of confidence from accuracy over bins by their inputs, in [0, 1].

    Never below 0, so that a calibrated classifier has some of it, too: see `error_if_calibrated`.

    >>> expected_calibration_error(np.ones(4), np.array([1.0, 0.0, 1.0, 0.0]), np.zeros(4, int))
    0.5
    """
    excess = np.bincount(bin_N, confidence_N - correct_N)
    return float(np.abs(excess).sum() / len(bin_N))


def error_if_calibrated(
    confidence_N: Float[np.ndarray, " n"],
    bin_N: Integer[np.ndarray, " n"],
    *,
    num_draws: int = 500,
    seed: int = 0,
) -> tuple[float, float]:
    """Mean and 95 % quantile of the expected calibration error, were the classifier calibrated.

    Labels are drawn as right with the probability that is their confidence (consistency
    resampling: Bröcker and Smith 2007).
    """
    rng = np.random.default_rng(seed)
    errors = [
        expected_calibration_error(
            confidence_N, (rng.random(len(confidence_N)) < confidence_N).astype(float), bin_N
        )
        for _ in range(num_draws)
    ]
    return float(np.mean(errors)), float(np.quantile(errors, 0.95))


def negative_log_likelihood(
    logits_NC: Float[np.ndarray, "n classes"], labels_N: Integer[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Minus the logarithm of the probability of each input's label, in nats, at least 0.

    >>> negative_log_likelihood(np.zeros((1, 4)), np.array([2])).round(4).tolist()
    [1.3863]
    """
    log_p_NC = log_softmax(logits_NC.astype(np.float64), axis=1)
    return -np.take_along_axis(log_p_NC, labels_N[:, None], axis=1)[:, 0]


def brier_score(
    logits_NC: Float[np.ndarray, "n classes"], labels_N: Integer[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """The squared distance of each input's probabilities from its label's 1 and the others' 0.

    In [0, 2]: Brier's own sum over the classes, not the half of it.

    >>> brier_score(np.zeros((1, 2)), np.array([1])).tolist()
    [0.5]
    """
    p_NC = np.exp(log_softmax(logits_NC.astype(np.float64), axis=1))
    return ((p_NC - np.eye(p_NC.shape[1])[labels_N]) ** 2).sum(axis=1)


def calibration(
    logits_NC: Float[np.ndarray, "n classes"], labels_N: Integer[np.ndarray, " n"]
) -> dict[str, Any]:
    """All figures of a classifier's logits, confidence being the largest softmax probability.

    - `negative_log_likelihood`, `brier_score`: estimates over inputs.
    - `equal_width` and `equal_count`, for bins of confidence of either kind: `error`, the expected
      calibration error; `error_if_calibrated` and `error_if_calibrated_95`, its mean and 95 %
      quantile were the confidence the truth; `curve`, a list of `ReliabilityBin`.
    """
    confidence_N = confidences(logits_NC)
    correct_N = (logits_NC.argmax(axis=1) == labels_N).astype(float)
    figures: dict[str, Any] = {
        "negative_log_likelihood": mean_estimate(negative_log_likelihood(logits_NC, labels_N)),
        "brier_score": mean_estimate(brier_score(logits_NC, labels_N)),
    }
    for name, bins in (("equal_width", equal_width_bins), ("equal_count", equal_count_bins)):
        bin_N = bins(confidence_N, NUM_BINS)
        mean, high = error_if_calibrated(confidence_N, bin_N)
        figures[name] = {
            "error": expected_calibration_error(confidence_N, correct_N, bin_N),
            "error_if_calibrated": mean,
            "error_if_calibrated_95": high,
            "curve": reliability(confidence_N, correct_N, bin_N),
        }
    return figures
