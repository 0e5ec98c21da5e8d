"""SFDA: how well a shrunken Fisher discriminant tells classes apart that were moved together.

Shao et al. 2022, Not All Models Are Equal: Predicting Model Transferability in a Self-challenging
Fisher Space (ECCV), in the form of the authors' code (TencentARC/SFDA, `metrics.py`).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_SHARPNESS = 5.0
"""The shrinkage is exp(-5 s), s the largest variance within classes, as in the authors' code."""

_LEAST = 1e-10


def sfda(
    features_IH: Float[np.ndarray, "inputs width"], labels_I: Int[np.ndarray, " inputs"]
) -> float:
    """The mean probability of a text's own class, in (0, 1], after classes were moved together.

    A linear discriminant with the shrunken covariance within classes gives each text a probability
    p of its class, softened by a second softmax. Every text is then moved to p x + (1 - p) m, m the
    mean of the other classes' means, and the score is that of a second discriminant, of the same
    shrinkage, on the texts that it was fitted to. As in the authors' code the mean is of
    probabilities, not of their logarithms. It depends on the scale of the features.

    Two things are ours: the largest variance is exact, theirs takes three steps of the power
    method; and 1e-10 of the total variance is added where texts of a class are all alike.

    Args:
        features_IH: vectors of the training texts, (I, H).
        labels_I: their classes, (I,), any integers.

    Returns:
        The score; the larger, the better the features suit the task.

    >>> sfda(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0, 0, 1, 1]))
    1.0
    """
    features_IH = features_IH.astype(np.float64)
    classes, class_I, count_C = np.unique(labels_I, return_inverse=True, return_counts=True)
    everyone = np.arange(len(class_I))
    prior_C = count_C / len(class_I)
    within_HH, means_CH = _within(features_IH, class_I, count_C)
    largest = float(np.linalg.eigvalsh(within_HH)[-1])
    shrinkage = max(float(np.exp(-_SHARPNESS * largest)), _LEAST)
    answers_IC = _answers(features_IH, means_CH, within_HH, prior_C, shrinkage)
    own_I1 = _softmax(answers_IC)[everyone, class_I][:, None]
    others_CH = (means_CH.sum(axis=0) - means_CH) / (len(classes) - 1)
    moved_IH = own_I1 * features_IH + (1 - own_I1) * others_CH[class_I]
    within_HH, means_CH = _within(moved_IH, class_I, count_C)
    answers_IC = _answers(moved_IH, means_CH, within_HH, prior_C, shrinkage)
    return float(answers_IC[everyone, class_I].mean())


def _within(
    features_IH: np.ndarray, class_I: np.ndarray, count_C: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The covariance within classes (H, H) and the means of classes (C, H)."""
    means_CH = np.zeros((len(count_C), features_IH.shape[1]))
    np.add.at(means_CH, class_I, features_IH)
    means_CH /= count_C[:, None]
    apart_IH = features_IH - means_CH[class_I]
    return apart_IH.T @ apart_IH / len(class_I), means_CH


def _answers(
    features_IH: np.ndarray,
    means_CH: np.ndarray,
    within_HH: np.ndarray,
    prior_C: np.ndarray,
    shrinkage: float,
) -> np.ndarray:
    """The probabilities (I, C) of a linear discriminant with the covariance shrunk to a sphere."""
    width = len(within_HH)
    total = ((features_IH - features_IH.mean(axis=0)) ** 2).sum() / len(features_IH)
    sphere = shrinkage * np.trace(within_HH) / width + _LEAST * total / width
    shrunk_HH = (1 - shrinkage) * within_HH + sphere * np.eye(width)
    coefficients_HC = np.linalg.pinv(shrunk_HH, rcond=1e-15, hermitian=True) @ means_CH.T
    offset_C = np.log(prior_C) - (means_CH.T * coefficients_HC).sum(axis=0) / 2
    return _softmax(features_IH @ coefficients_HC + offset_C)


def _softmax(scores_IC: np.ndarray) -> np.ndarray:
    powers_IC = np.exp(scores_IC - scores_IC.max(axis=1, keepdims=True))
    return powers_IC / powers_IC.sum(axis=1, keepdims=True)
