"""How transferable features are judged without training a classifier: LogME, H-score and others.

Each is larger where the features suit the task better; all take training features of one depth, as
they are, with all classes at once. Scores are comparable between depths of one model on one task.
"""
# G points of a grid.

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.transfer.leep import leep
from hf_apt.stats.transfer.sfda import sfda
from hf_apt.stats.transfer.shrunken_h_score import shrunken_h_score

_GRID = np.linspace(-30.0, 30.0, 241)
"""Logarithms of the ratio of prior to noise precision that are tried first, around the features'
largest singular value squared."""


def logme(
    features_IH: Float[np.ndarray, "inputs width"], labels_I: Int[np.ndarray, " inputs"]
) -> float:
    """The largest log evidence per text of a Bayesian linear model of each class against the rest.

    LogME (You et al. 2021, arXiv 2102.11005): targets 0 and 1, weights with prior precision alpha,
    noise with precision beta, no intercept; maximised over both, averaged over classes, in nats.
    Beta is eliminated in closed form and alpha / beta searched, so that the maximum is reached even
    where the authors' fixed-point iteration stops early.
    """
    features_IH = features_IH.astype(np.float64)
    left_IW, singular_W, _ = np.linalg.svd(features_IH, full_matrices=False)
    evidences = []
    for label in np.unique(labels_I):
        target_I = (labels_I == label).astype(np.float64)
        along_W = (left_IW.T @ target_I) ** 2
        across = max(float(target_I.sum() - along_W.sum()), 0.0)
        evidences.append(_largest_evidence(along_W, across, singular_W**2, len(labels_I)))
    return float(np.mean(evidences) / len(labels_I))


def _largest_evidence(along_W: np.ndarray, across: float, power_W: np.ndarray, num: int) -> float:
    """The log evidence, maximised over the ratio of the precisions.

    `along_W`, `across`: squared length of the target along each singular direction and outside all.
    """
    from scipy.optimize import minimize_scalar

    top = power_W.max() or 1.0

    def minus_evidence(log_ratio: float) -> float:
        shrunk_W = 1 + power_W / (top * np.exp(log_ratio))
        noise = (np.sum(along_W / shrunk_W) + across) / num  # 1 / beta at its best
        return num / 2 * (np.log(2 * np.pi * noise) + 1) + np.log(shrunk_W).sum() / 2

    at_G = np.array([minus_evidence(log_ratio) for log_ratio in _GRID])
    best = int(at_G.argmin())
    around = (_GRID[max(best - 1, 0)], _GRID[min(best + 1, len(_GRID) - 1)])
    least = minimize_scalar(
        minus_evidence, bounds=around, method="bounded", options={"xatol": 1e-8}
    )
    return -min(float(least.fun), float(at_G[best]))  # pyright: ignore[reportAttributeAccessIssue]


def h_score(
    features_IH: Float[np.ndarray, "inputs width"], labels_I: Int[np.ndarray, " inputs"]
) -> float:
    """The trace of (covariance of features)^-1 (covariance of their class means).

    H-score (Bao et al. 2019, ICIP); between 0 and min(classes - 1, width). Directions whose
    variance is below 1e-10 of the largest are left out (ours).
    """
    centred_IH = features_IH.astype(np.float64) - features_IH.mean(axis=0, dtype=np.float64)
    classes, class_I, count_C = np.unique(labels_I, return_inverse=True, return_counts=True)
    means_CH = np.zeros((len(classes), centred_IH.shape[1]))
    np.add.at(means_CH, class_I, centred_IH)
    means_CH /= count_C[:, None]
    within_HH = centred_IH.T @ centred_IH
    between_HH = (means_CH.T * count_C) @ means_CH
    return float(np.trace(np.linalg.pinv(within_HH, rcond=1e-10, hermitian=True) @ between_HH))


def coding_rate(features_IH: Float[np.ndarray, "inputs width"], distortion: float) -> float:
    """Half the log determinant of 1 + F^T F / (rows * distortion), F the features.

    It is the number of nats to code a row to that error.

    >>> round(coding_rate(np.array([[1.0], [1.0]]), 1.0), 4)  # log(2) / 2
    0.3466
    """
    num, width = features_IH.shape
    gram = features_IH @ features_IH.T if num < width else features_IH.T @ features_IH
    return float(np.linalg.slogdet(np.eye(len(gram)) + gram / (num * distortion))[1] / 2)


def transrate(
    features_IH: Float[np.ndarray, "inputs width"],
    labels_I: Int[np.ndarray, " inputs"],
    *,
    distortion: float = 1e-4,
) -> float:
    """The coding rate of centred features less the mean one of each class's, in nats.

    TransRate (Huang et al. 2022, arXiv 2106.09362), an estimate of the information that features
    carry about the class. Classes count by their number of texts; where all are equally frequent,
    that is the plain mean over classes.
    """
    centred_IH = features_IH.astype(np.float64) - features_IH.mean(axis=0, dtype=np.float64)
    given_class = 0.0
    for label in np.unique(labels_I):
        own_IH = centred_IH[labels_I == label]
        given_class += len(own_IH) / len(labels_I) * coding_rate(own_IH, distortion)
    return coding_rate(centred_IH, distortion) - given_class


def nleep(
    features_IH: Float[np.ndarray, "inputs width"],
    labels_I: Int[np.ndarray, " inputs"],
    *,
    kept_variance: float = 0.8,
    seed: int = 0,
) -> float:
    """LEEP with the components of a Gaussian mixture in place of source classes, in nats.

    N-LEEP (Li et al. 2021, CVPR): for models without source classes. Principal components that hold
    `kept_variance` of the variance; as many mixture components as classes, with diagonal
    covariances (ours: full ones take too many texts).
    """
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    features_IH = features_IH.astype(np.float64)
    num_classes = len(np.unique(labels_I))
    deviation_H = features_IH.std(axis=0)
    if deviation_H.max() <= 1e-5 * np.abs(features_IH).max():  # all texts are one point
        return leep(np.ones((len(labels_I), 1)), labels_I)
    reduced = PCA(kept_variance, svd_solver="full").fit_transform(features_IH)
    mixture = GaussianMixture(num_classes, covariance_type="diag", random_state=seed)
    return leep(mixture.fit(reduced).predict_proba(reduced), labels_I)


SCORES: dict[str, Callable[..., float]] = {
    "logme": logme,
    "h_score": h_score,
    "shrunken_h_score": shrunken_h_score,
    "transrate": transrate,
    "nleep": nleep,
    "sfda": sfda,
}
"""Scores of features by name."""

SCORE_NAMES = (*SCORES, "leep")
"""Scores of a frozen trunk. `leep` (`hf_apt.stats.transfer.leep`) is that of what the model's own
head says at the features, where it has one over words."""


def score_per_depth(
    name: str,
    features_DIH: Float[np.ndarray, "depth inputs width"],
    labels_I: Int[np.ndarray, " inputs"],
) -> Float[np.ndarray, " depth"]:
    """One of the `SCORES` at each depth.

    Raises ValueError for an unknown score, and for labels that do not fit the features.
    """
    if name not in SCORES:
        raise ValueError(f"no score is called {name!r}: choose one of {', '.join(SCORES)}.")
    if features_DIH.shape[1] != len(labels_I) or len(np.unique(labels_I)) < 2:
        raise ValueError(
            f"{features_DIH.shape[1]} texts came with {len(labels_I)} labels of "
            f"{len(np.unique(labels_I))} classes: one label each and two classes are needed."
        )
    return np.array([SCORES[name](features_IH, labels_I) for features_IH in features_DIH])
