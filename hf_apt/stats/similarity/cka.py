"""Linear centred kernel alignment (CKA) of two sets of states, exact however they are batched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

FEWEST_ROWS = 4
"""Rows below which the debiased form is not defined."""


def linear_cka(
    X: Float[np.ndarray, "rows features_x"],
    Y: Float[np.ndarray, "rows features_y"],
    debiased: bool = True,
) -> float:
    """How alike two sets of states of the same N things are: linear CKA.

    1 for states that are equal but for a rotation and a scale, about 0 for independent ones. The
    plain form, from 0 to 1, is ‖X'Y‖² / (‖X'X‖ ‖Y'Y‖) of centred columns, ‖.‖ the Frobenius norm
    (Kornblith et al., arXiv 1905.00414, section 3). It is too high where N is not large beside the
    number of columns: for independent states it approaches 1. The debiased form, from -1 to 1,
    takes the unbiased estimates of the same quantities (HSIC of Song et al., JMLR 13, 2012; for CKA
    in Nguyen et al., arXiv 2010.15327). It holds for rows that are independent draws. Memory: three
    square arrays, as wide as X and Y, in float64.

    Args:
        X: the states of N things, shape (N, features).
        Y: other states of the same things in the same order, shape (N, other features).
        debiased: the debiased form; the plain one if False.

    Returns:
        The similarity, at most 1; NaN where X or Y is the same in every row.

    Raises:
        ValueError: for other numbers of rows, fewer than 4 of them, and values that are not finite.

    >>> X = np.array([[0.0, 1.0], [2.0, 1.0], [3.0, 5.0], [1.0, 0.0], [4.0, 2.0]])
    >>> round(linear_cka(X, 3 * X[:, ::-1]), 12)
    1.0
    """
    X, Y = np.asarray(X), np.asarray(Y)
    for name, values in (("X", X), ("Y", Y)):
        if values.ndim != 2:
            raise ValueError(f"{name} must have two axes, rows and features, not {values.ndim}.")
    x, y = FromFirst().rows("X", X), FromFirst().rows("Y", Y)
    hsics = []
    for one, other in ((x, y), (x, x), (y, y)):
        sums = HsicSums()
        sums.add(one, other)
        hsics.append(sums.hsic(debiased=debiased))
    return cka(*hsics)


def cka(hsic_xy: float, hsic_xx: float, hsic_yy: float) -> float:
    """CKA of the three HSICs; NaN where one of the two sides does not vary.

    >>> cka(1.0, 4.0, 1.0)
    0.5
    """
    if not (hsic_xx > 0 and hsic_yy > 0):
        return float("nan")
    return min(max(hsic_xy / (math.sqrt(hsic_xx) * math.sqrt(hsic_yy)), -1.0), 1.0)


@dataclass(frozen=True)
class Rows:
    """States of N things, in float64 and measured from an origin."""

    values_NH: Float[np.ndarray, "rows features"]
    """States of the N things."""

    squares_N: Float[np.ndarray, " rows"]
    """Squared length of each state."""

    def of(self, chosen_N: Bool[np.ndarray, " rows"]) -> Rows:
        """The chosen rows, measured from the same origin."""
        return Rows(self.values_NH[chosen_N], self.squares_N[chosen_N])


class FromFirst:
    """States measured from the first one that was ever given.

    CKA is the same wherever the origin lies. At a state, sums lose no digits to what all states
    have in common, and what never varies is exactly zero.
    """

    def __init__(self) -> None:
        self._first_H: np.ndarray | None = None

    def rows(self, name: str, states_NH: Float[np.ndarray, "rows features"]) -> Rows:
        """The states, called `name`, from that origin. Raises ValueError if one is not finite."""
        values_NH = np.asarray(states_NH, np.float64)
        if not np.isfinite(values_NH).all():
            raise ValueError(f"{name} holds values that are not finite.")
        if self._first_H is None and len(values_NH):
            self._first_H = values_NH[0].copy()
        if self._first_H is not None:
            values_NH = values_NH - self._first_H
        return Rows(values_NH, np.einsum("nh,nh->n", values_NH, values_NH))


class HsicSums:
    """What HSIC with linear kernels needs of the rows of X and Y, added up batch by batch.

    Memory: one array of columns of X by columns of Y in float64, whatever the number of rows.
    """

    def __init__(self) -> None:
        self.num = 0
        """Number of rows so far."""
        self._sums: dict[str, np.ndarray] = {}

    def add(self, x: Rows, y: Rows) -> None:
        """Add rows. Raises ValueError if there are more of the one than of the other."""
        X, Y, a_N, b_N = x.values_NH, y.values_NH, x.squares_N, y.squares_N
        if len(X) != len(Y):
            raise ValueError(
                f"X has {len(X)} rows and Y {len(Y)}: row by row they must be of the same things."
            )
        self.num += len(X)
        added = {
            "cross": X.T @ Y,
            "x": X.sum(axis=0),
            "y": Y.sum(axis=0),
            "bx": b_N @ X,
            "ay": a_N @ Y,
            "a": a_N.sum(),
            "b": b_N.sum(),
            "ab": a_N @ b_N,
        }
        for name, values in added.items():
            self._sums[name] = self._sums[name] + values if name in self._sums else values

    def without(self, part: HsicSums) -> HsicSums:
        """The sums of the rows that are not in `part`, which were all added here, too."""
        left = HsicSums()
        left.num = self.num - part.num
        left._sums = {name: self._sums[name] - values for name, values in part._sums.items()}
        return left

    @classmethod
    def total(cls, parts: Sequence[HsicSums]) -> HsicSums:
        """The sums of the rows of all `parts`."""
        whole = cls()
        for part in parts:
            whole.num += part.num
            for name, values in part._sums.items():
                whole._sums[name] = whole._sums[name] + values if name in whole._sums else values
        return whole

    def hsic(self, *, debiased: bool = True) -> float:
        """HSIC: the squared Frobenius norm of the covariance, or its unbiased estimate.

        The plain form is ‖X'Y‖² of centred columns over (N - 1)², the debiased one that of Song et
        al. with kernels XX' and YY' whose diagonals are zero. Raises ValueError below 4 rows.
        """
        n = self.num
        if n < FEWEST_ROWS:
            raise ValueError(f"CKA needs {FEWEST_ROWS} rows at least, and there are {n}.")
        s = self._sums
        if not debiased:
            covariance = s["cross"] - np.outer(s["x"], s["y"]) / n
            return float((covariance**2).sum()) / (n - 1) ** 2
        trace = (s["cross"] ** 2).sum() - s["ab"]
        all_x, all_y = s["x"] @ s["x"] - s["a"], s["y"] @ s["y"] - s["b"]
        rows = s["x"] @ s["cross"] @ s["y"] - s["bx"] @ s["x"] - s["ay"] @ s["y"] + s["ab"]
        unbiased = trace + all_x * all_y / ((n - 1) * (n - 2)) - 2 * rows / (n - 2)
        return float(unbiased) / (n * (n - 3))
