"""What fits of the log-partition need of the states, added up batch by batch in float64."""
# W: columns: states, products, mean logit, log-partition, and 1.

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.anchors.products import PrincipalProducts

NUM_OTHER = 3
"""Columns after states and products: the mean logit, the log-partition, and 1."""
MEAN_LOGIT, LOG_BULK, ONE = -3, -2, -1
"""Where these are."""


class AnchorSums:
    """The products of all columns with one another, apart for each group of documents.

    Every least-squares fit and every mean squared error, of the groups that it was fitted on and
    of those that it was not, is read off these: no state is kept. Memory: for each group the square
    of the number of columns, in float64, whatever the number of states.

    Args:
        width: the width E of the states.
        products: products of components that a quadratic fit may use; none if None.
    """

    def __init__(self, width: int, products: PrincipalProducts | None = None):
        self.width = width
        """Width of the states."""
        self.products = products
        """What is multiplied, for a quadratic fit."""
        self.grams: dict[int, np.ndarray] = {}
        """For each group the products of its columns, summed over its states, shape (W, W)."""

    @property
    def num_columns(self) -> int:
        """Columns W of all kinds."""
        return self.width + (self.products.num if self.products else 0) + NUM_OTHER

    def update(
        self,
        states_NE: Float[np.ndarray, "n width"],
        mean_logit_N: Float[np.ndarray, " n"],
        log_bulk_N: Float[np.ndarray, " n"],
        groups_N: Int[np.ndarray, " n"],
    ) -> None:
        """Add states, with the mean of their logits, their log-partition and their group.

        Raises ValueError where one of these is not finite.
        """
        states_NE = np.asarray(states_NE, np.float64)
        parts = [states_NE]
        if self.products is not None:
            parts.append(self.products.of(states_NE))
        ones_N = np.ones(len(states_NE))
        parts += [np.asarray(mean_logit_N)[:, None], np.asarray(log_bulk_N)[:, None]]
        columns_NW = np.concatenate([*parts, ones_N[:, None]], axis=1)
        if not np.isfinite(columns_NW).all():
            raise ValueError(
                "states or logits are not finite: look for NaN weights, an overflow of float16, or "
                "-inf in the logits."
            )
        for group in np.unique(groups_N):
            of_group_XW = columns_NW[groups_N == group]
            self._add(int(group), of_group_XW.T @ of_group_XW)

    def merge(self, other: Self) -> Self:
        """These sums and those of `other`, which is of other batches."""
        for group, gram_WW in other.grams.items():
            self._add(group, gram_WW)
        return self

    def total(self) -> Float[np.ndarray, "columns columns"]:
        """The sums over all groups, shape (W, W)."""
        return sum(self.grams.values(), np.zeros((self.num_columns, self.num_columns)))

    def _add(self, group: int, gram_WW: np.ndarray) -> None:
        self.grams[group] = self.grams[group] + gram_WW if group in self.grams else gram_WW


def sums_bytes(width: int, num_products: int, num_depths: int) -> int:
    """Memory in bytes of the sums of one group at every depth.

    >>> sums_bytes(4, 1, 2)
    1024
    """
    return num_depths * (width + num_products + NUM_OTHER) ** 2 * 8


def covariance(
    gram_WW: Float[np.ndarray, "columns columns"], columns: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """The mean of some columns, and their covariance (over N)."""
    num = gram_WW[ONE, ONE]
    mean_X = gram_WW[columns, ONE] / num
    second_XX = gram_WW[np.ix_(columns, columns)] / num
    return mean_X, second_XX - np.outer(mean_X, mean_X)


def mean_squared_error(
    gram_WW: Float[np.ndarray, "columns columns"], residual_W: Float[np.ndarray, " columns"]
) -> float:
    """The mean square of what the columns give with the weights of a residual, at least 0."""
    return max(float(residual_W @ gram_WW @ residual_W), 0.0) / float(gram_WW[ONE, ONE])
