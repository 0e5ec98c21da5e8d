"""Least squares from sums of products, of directions in which there is variance."""
# U: directions without variance; X here columns of states and products.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hf_apt.stats.anchors.anchor_sums import LOG_BULK, ONE, covariance

NO_VARIANCE = 1e-12
"""Share of the largest variance that is taken for rounding: a millionth of its spread. A state
behind a LayerNorm has one direction less than columns."""

_SMALL_PIVOT = 1e-9
"""Share of the largest pivot below which it is looked whether all directions vary."""


@dataclass(frozen=True)
class Solver:
    """Fits the log-partition on the first columns, by the directions that vary in all of the data.

    Directions without variance get no weight: of all best fits it is the shortest.
    """

    num_columns: int
    """Columns that are fitted on, the first ones."""

    empty_XU: Float[np.ndarray, "columns directions"]
    """The directions without variance."""

    has_intercept: bool
    """Whether a constant is fitted, too."""

    ridge: float
    """Weight of the squared length of the slope, beside the sum of squared errors."""

    @classmethod
    def of(
        cls, total_WW: np.ndarray, num_columns: int, *, has_intercept: bool, ridge: float = 0.0
    ) -> Solver:
        """The solver for the sums of all the data."""
        second_XX = _moments(total_WW, num_columns, has_intercept=has_intercept)[1]
        variances_X, directions_XX = np.linalg.eigh(second_XX)
        largest = max(float(variances_X[-1]), 0.0)
        empty_XU = directions_XX[:, variances_X <= NO_VARIANCE * largest]
        return cls(num_columns, empty_XU, has_intercept, ridge)

    @property
    def rank(self) -> int:
        """Number of directions that vary."""
        return self.num_columns - self.empty_XU.shape[1]

    def residual(self, gram_WW: np.ndarray) -> Float[np.ndarray, " columns"]:
        """The weights of all columns in log-partition minus its fit on these sums, shape (W,)."""
        num = gram_WW[ONE, ONE]
        mean_X, second_XX, mean, cross_X = _moments(
            gram_WW, self.num_columns, has_intercept=self.has_intercept
        )
        scale = float(np.trace(second_XX)) / self.num_columns or 1.0
        second_XX = second_XX + scale * (self.empty_XU @ self.empty_XU.T)
        second_XX[np.diag_indices(self.num_columns)] += self.ridge / num
        cross_X = cross_X - self.empty_XU @ (self.empty_XU.T @ cross_X)
        slope_X = _solved(second_XX, cross_X)
        residual_W = np.zeros(len(gram_WW))
        residual_W[: self.num_columns] = -slope_X
        residual_W[LOG_BULK] = 1.0
        residual_W[ONE] = -(mean - mean_X @ slope_X) if self.has_intercept else 0.0
        return residual_W


def _moments(
    gram_WW: np.ndarray, num_columns: int, *, has_intercept: bool
) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
    """Mean and second moments of the columns, the mean log-partition, and moments with it."""
    columns = [*range(num_columns), len(gram_WW) + LOG_BULK]
    if has_intercept:
        mean_X, second_XX = covariance(gram_WW, columns)
    else:
        mean_X = gram_WW[columns, ONE] / gram_WW[ONE, ONE]
        second_XX = gram_WW[np.ix_(columns, columns)] / gram_WW[ONE, ONE]
    return mean_X[:-1], second_XX[:-1, :-1], float(mean_X[-1]), second_XX[:-1, -1]


def _solved(second_XX: np.ndarray, cross_X: np.ndarray) -> np.ndarray:
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    try:
        factor = cho_factor(second_XX)
        pivots_X = np.diag(factor[0]) ** 2
        if pivots_X.min() > _SMALL_PIVOT * pivots_X.max():
            return cho_solve(factor, cross_X)
    except LinAlgError:
        pass
    # Fewer directions may vary here than in all of the data: what does not vary gets no weight.
    variances_X, directions_XX = np.linalg.eigh(second_XX)
    varies_X = variances_X > NO_VARIANCE * variances_X[-1]
    kept_XU = directions_XX[:, varies_X]
    return kept_XU @ ((kept_XU.T @ cross_X) / variances_X[varies_X])
