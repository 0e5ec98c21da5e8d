"""The H-score with a shrunken covariance, which few texts of many features do not make useless."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def shrunken_h_score(
    features_IH: Float[np.ndarray, "inputs width"], labels_I: Int[np.ndarray, " inputs"]
) -> float:
    """(1 - a) times the trace of (shrunken covariance)^-1 (covariance of class means).

    Regularised H-score (Ibrahim et al. 2021, Newer is not always better, arXiv 2110.06893): the
    covariance of the features is shrunk to a sphere by the share a that Ledoit and Wolf (2004)
    estimate. The plain H-score is the number of classes less one wherever there are more features
    than texts; this one is not. Class means count by their number of texts, and their covariance
    is divided by one less than the number of texts, as in TransformerRanker, whose number it is.

    Args:
        features_IH: vectors of the training texts, (I, H).
        labels_I: their classes, (I,), any integers.

    Returns:
        The score, at least 0; the larger, the better the features suit the task.
    """
    from sklearn.covariance import ledoit_wolf

    centred_IH = features_IH.astype(np.float64) - features_IH.mean(axis=0, dtype=np.float64)
    shrunk_HH, shrinkage = ledoit_wolf(centred_IH, assume_centered=True)
    classes, class_I, count_C = np.unique(labels_I, return_inverse=True, return_counts=True)
    sums_CH = np.zeros((len(classes), centred_IH.shape[1]))
    np.add.at(sums_CH, class_I, centred_IH)
    between_HH = (sums_CH.T / count_C) @ sums_CH / (len(labels_I) - 1)
    inverse_HH = np.linalg.pinv(shrunk_HH, rcond=1e-15, hermitian=True)
    return float((1 - shrinkage) * np.trace(inverse_HH @ between_HH))
