"""How well two samples of features are told apart: a proxy for the distance of their sources."""
# N features of each sample, E their width.

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from hf_apt.stats.estimates import Estimate

_FOLDS = 5


def domain_proxy(
    first: Float[np.ndarray, "n width"], second: Float[np.ndarray, "n width"], seed: int = 0
) -> Estimate:
    """Twice the accuracy, less 1, of a linear classifier that tells two samples apart, held out.

    For any classifier of two equally frequent sources, 2 * accuracy - 1 is at most the total
    variation distance between them, so that this estimates something from below: it is 0 where
    nothing is told apart, 1 where all is. The classifier is a ridge regression on standardised
    features, fitted on four fifths and asked for the rest, in turn.

    Args:
        first: features of one sample, a row each.
        second: as many features of the other sample; rows of the same number are kept in one fold.
        seed: seed of the folds.

    Returns:
        The proxy with its binomial error over all rows, from -1 to 1. Errors of the folds' shared
        training are not in it.

    Raises:
        ValueError: for samples of other shapes, or of fewer than ten rows.
    """
    first_NE, second_NE = (np.asarray(each, np.float64) for each in (first, second))
    if first_NE.ndim != 2 or first_NE.shape != second_NE.shape or len(first_NE) < 2 * _FOLDS:
        raise ValueError(
            f"features of shapes {first_NE.shape} and {second_NE.shape} cannot be told apart: give "
            f"two tables of one width, with as many rows each, {2 * _FOLDS} at least."
        )
    num = len(first_NE)
    folds_N = np.random.default_rng(seed).permutation(num) % _FOLDS
    num_right = 0.0
    for fold in range(_FOLDS):
        held_N = folds_N == fold
        weights_E, centre_E, scale_E = _fitted(first_NE[~held_N], second_NE[~held_N])
        for rows_NE, sign in ((first_NE[held_N], 1.0), (second_NE[held_N], -1.0)):
            scores_N = sign * ((rows_NE - centre_E) / scale_E @ weights_E)
            num_right += (scores_N > 0).sum() + 0.5 * (scores_N == 0).sum()
    share = num_right / (2 * num)
    error = 2 * np.sqrt(share * (1 - share) / (2 * num))
    return Estimate(float(2 * share - 1), float(error), 2 * num)


def _fitted(
    first_NE: np.ndarray, second_NE: np.ndarray
) -> tuple[Float[np.ndarray, " width"], np.ndarray, np.ndarray]:
    """Weights of ridge regression on 1 and -1, and what features are centred and divided by."""
    rows_NE = np.concatenate([first_NE, second_NE])
    centre_E, scale_E = rows_NE.mean(axis=0), rows_NE.std(axis=0)
    scale_E = np.where(scale_E > 0, scale_E, 1.0)
    rows_NE = (rows_NE - centre_E) / scale_E
    targets_N = np.repeat([1.0, -1.0], [len(first_NE), len(second_NE)])
    products_EE = rows_NE.T @ rows_NE
    products_EE[np.diag_indices_from(products_EE)] += 0.1 * len(rows_NE)
    return np.linalg.solve(products_EE, rows_NE.T @ targets_N), centre_E, scale_E
