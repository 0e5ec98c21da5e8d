"""How transferable features are judged without training a classifier: LogME, H-score and others.

Each is larger where the features suit the task better; all take training features of one depth, as
they are, with all classes at once. Scores are comparable between depths of one model on one task.
"""
# D depths, N texts, H width, C classes, Z source classes, R rank, G values on a grid.

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

_GRID = np.linspace(-30.0, 30.0, 241)
"""Logarithms of the ratio of prior to noise precision that are tried first, around the features'
largest singular value squared."""


def logme(features_NH: Float[np.ndarray, "n width"], labels_N: Int[np.ndarray, " n"]) -> float:
    """The largest log evidence per text of a Bayesian linear model of each class against the rest.

    LogME (You et al. 2021, arXiv 2102.11005): targets 0 and 1, weights with prior precision alpha,
    noise with precision beta, no intercept; maximised over both, averaged over classes, in nats.
    Beta is eliminated in closed form and alpha / beta searched, so that the maximum is met also
    where the authors' fixed-point iteration stops early.
    """
    features_NH = features_NH.astype(np.float64)
    left_NR, singular_R, _ = np.linalg.svd(features_NH, full_matrices=False)
    evidences = []
    for label in np.unique(labels_N):
        target_N = (labels_N == label).astype(np.float64)
        along_R = (left_NR.T @ target_N) ** 2
        across = max(float(target_N.sum() - along_R.sum()), 0.0)
        evidences.append(_largest_evidence(along_R, across, singular_R**2, len(labels_N)))
    return float(np.mean(evidences) / len(labels_N))


def _largest_evidence(along_R: np.ndarray, across: float, power_R: np.ndarray, num: int) -> float:
    """The log evidence, maximised over the ratio of the precisions.

    `along_R`, `across`: squared length of the target along each singular direction and outside all.
    """
    from scipy.optimize import minimize_scalar

    top = power_R.max() or 1.0

    def minus_evidence(log_ratio: float) -> float:
        shrunk_R = 1 + power_R / (top * np.exp(log_ratio))
        noise = (np.sum(along_R / shrunk_R) + across) / num  # 1 / beta at its best
        return num / 2 * (np.log(2 * np.pi * noise) + 1) + np.log(shrunk_R).sum() / 2

    at_G = np.array([minus_evidence(log_ratio) for log_ratio in _GRID])
    best = int(at_G.argmin())
    around = (_GRID[max(best - 1, 0)], _GRID[min(best + 1, len(_GRID) - 1)])
    found = minimize_scalar(
        minus_evidence, bounds=around, method="bounded", options={"xatol": 1e-8}
    )
    return -min(float(found.fun), float(at_G[best]))  # pyright: ignore[reportAttributeAccessIssue]


def h_score(features_NH: Float[np.ndarray, "n width"], labels_N: Int[np.ndarray, " n"]) -> float:
    """The trace of (covariance of features)^-1 (covariance of their class means).

    H-score (Bao et al. 2019, ICIP); between 0 and min(classes - 1, width). Directions whose
    variance is below 1e-10 of the largest are left out (ours).
    """
    centred_NH = features_NH.astype(np.float64) - features_NH.mean(axis=0, dtype=np.float64)
    classes, number_N, count_C = np.unique(labels_N, return_inverse=True, return_counts=True)
    means_CH = np.zeros((len(classes), centred_NH.shape[1]))
    np.add.at(means_CH, number_N, centred_NH)
    means_CH /= count_C[:, None]
    within_HH = centred_NH.T @ centred_NH
    between_HH = (means_CH.T * count_C) @ means_CH
    return float(np.trace(np.linalg.pinv(within_HH, rcond=1e-10, hermitian=True) @ between_HH))


def coding_rate(features_NH: Float[np.ndarray, "n width"], distortion: float) -> float:
    """Half the log determinant of 1 + Z^T Z / (N distortion): nats to code a row to that error.

    >>> round(coding_rate(np.array([[1.0], [1.0]]), 1.0), 4)  # log(2) / 2
    0.3466
    """
    num, width = features_NH.shape
    gram = features_NH @ features_NH.T if num < width else features_NH.T @ features_NH
    return float(np.linalg.slogdet(np.eye(len(gram)) + gram / (num * distortion))[1] / 2)


def transrate(
    features_NH: Float[np.ndarray, "n width"],
    labels_N: Int[np.ndarray, " n"],
    *,
    distortion: float = 1e-4,
) -> float:
    """The coding rate of centred features less the mean one of each class's, in nats.

    TransRate (Huang et al. 2022, arXiv 2106.09362), an estimate of the information that features
    bear on the class. Classes count by their number of texts; where all are equally frequent, that
    is the plain mean over classes.
    """
    centred_NH = features_NH.astype(np.float64) - features_NH.mean(axis=0, dtype=np.float64)
    given_class = 0.0
    for label in np.unique(labels_N):
        own_NH = centred_NH[labels_N == label]
        given_class += len(own_NH) / len(labels_N) * coding_rate(own_NH, distortion)
    return coding_rate(centred_NH, distortion) - given_class


def leep(source_NZ: Float[np.ndarray, "n source"], labels_N: Int[np.ndarray, " n"]) -> float:
    """The mean log likelihood of the labels under the expected empirical predictor, in nats.

    LEEP (Nguyen et al. 2020, arXiv 2002.12462): `source_NZ` are a model's probabilities of its own
    source classes; a label is guessed by drawing a source class and then a label as they occur
    together. At most 0; minus the entropy of the labels where the source classes say nothing.

    >>> leep(np.eye(2), np.array([0, 1]))
    0.0
    """
    classes, number_N = np.unique(labels_N, return_inverse=True)
    joint_CZ = np.zeros((len(classes), source_NZ.shape[1]))
    np.add.at(joint_CZ, number_N, source_NZ.astype(np.float64))
    total_Z = joint_CZ.sum(axis=0)
    given_CZ = joint_CZ / np.where(total_Z > 0, total_Z, 1.0)
    likelihood_N = (given_CZ[number_N] * source_NZ).sum(axis=1)
    return float(np.log(likelihood_N).mean())


def nleep(
    features_NH: Float[np.ndarray, "n width"],
    labels_N: Int[np.ndarray, " n"],
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

    features_NH = features_NH.astype(np.float64)
    num_classes = len(np.unique(labels_N))
    deviation_H = features_NH.std(axis=0)
    if deviation_H.max() <= 1e-5 * np.abs(features_NH).max():  # all texts are in one place
        return leep(np.ones((len(labels_N), 1)), labels_N)
    reduced = PCA(kept_variance, svd_solver="full").fit_transform(features_NH)
    mixture = GaussianMixture(num_classes, covariance_type="diag", random_state=seed)
    return leep(mixture.fit(reduced).predict_proba(reduced), labels_N)


SCORES: dict[str, Callable[..., float]] = {
    "logme": logme,
    "h_score": h_score,
    "transrate": transrate,
    "nleep": nleep,
}
"""Scores of features by name."""


def score_per_depth(
    name: str,
    features_DNH: Float[np.ndarray, "depth n width"],
    labels_N: Int[np.ndarray, " n"],
) -> Float[np.ndarray, " depth"]:
    """One of the `SCORES` at each depth.

    Raises ValueError for an unknown score, and for labels that do not fit the features.
    """
    if name not in SCORES:
        raise ValueError(f"no score is called {name!r}: choose of {', '.join(SCORES)}.")
    if features_DNH.shape[1] != len(labels_N) or len(np.unique(labels_N)) < 2:
        raise ValueError(
            f"{features_DNH.shape[1]} texts came with {len(labels_N)} labels of "
            f"{len(np.unique(labels_N))} classes: one label each and two classes are needed."
        )
    return np.array([SCORES[name](features_NH, labels_N) for features_NH in features_DNH])
