"""Rank correlations of many predictors with one accuracy at once, and partial ones."""
# P predictors.

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def rank_correlations(
    predictors_PX: Float[np.ndarray, "predictors values"], outcome_X: Float[np.ndarray, " values"]
) -> Float[np.ndarray, " predictors"]:
    """Spearman's correlation in [-1, 1] of each predictor with the outcome.

    Equal values share their mean rank. NaN where one of the two is constant, below three values,
    and for a predictor with a NaN.

    >>> rank_correlations(np.array([[1.0, 2.0, 9.0]]), np.array([0.1, 0.2, 0.3])).round(6).tolist()
    [1.0]
    """
    return _correlations(_ranks(predictors_PX), _ranks(outcome_X[None]))[:, 0]


def partial_rank_correlations(
    predictors_PX: Float[np.ndarray, "predictors values"],
    outcome_X: Float[np.ndarray, " values"],
    given_X: Float[np.ndarray, " values"],
) -> Float[np.ndarray, " predictors"]:
    """The correlation of each predictor's ranks with the outcome's, both without what `given` says.

    Kendall's formula on ranks, (r - r_pg r_og) / root((1 - r_pg^2) (1 - r_og^2)) (Conover,
    Practical Nonparametric Statistics, 1999, section 5.4). NaN where `rank_correlations` is, and
    where `given` ranks the predictor or the outcome without an error, so that nothing is left.
    """
    ranks_PX, outcome_1X, given_1X = (
        _ranks(values) for values in (predictors_PX, outcome_X[None], given_X[None])
    )
    plain_P = _correlations(ranks_PX, outcome_1X)[:, 0]
    predictor_P = _correlations(ranks_PX, given_1X)[:, 0]
    outcome = _correlations(outcome_1X, given_1X)[0, 0]
    left_P = (1 - predictor_P**2) * (1 - outcome**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        partial_P = (plain_P - predictor_P * outcome) / np.sqrt(left_P)
    return np.where(left_P > 1e-9, np.clip(partial_P, -1, 1), np.nan)


def _ranks(values_PX: np.ndarray) -> np.ndarray:
    """Ranks with mean 0, equal values sharing their mean rank; NaN in a row with a NaN.

    All pairs are compared, which is the fastest for the few values of a task: draws repeat it.
    """
    one_PX1, other_P1X = values_PX[:, :, None], values_PX[:, None, :]
    above_PX = (one_PX1 > other_P1X).sum(axis=2) - (one_PX1 < other_P1X).sum(axis=2)
    return np.where(np.isnan(values_PX).any(axis=1, keepdims=True), np.nan, above_PX / 2)


def _correlations(one_PX: np.ndarray, other_PX: np.ndarray) -> np.ndarray:
    """The correlations of all rows of one with all of the other, which have mean 0."""
    lengths = np.outer(np.linalg.norm(one_PX, axis=1), np.linalg.norm(other_PX, axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = np.clip(one_PX @ other_PX.T / lengths, -1, 1)
    return correlations if one_PX.shape[1] > 2 else np.full_like(correlations, np.nan)
