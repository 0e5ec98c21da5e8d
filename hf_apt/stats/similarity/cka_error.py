"""The error of linear CKA over documents: what it would be without each group of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from hf_apt.stats.estimates import Estimate, jackknife_error
from hf_apt.stats.measures.text_groups import NUM_GROUPS, groups_of_neighbours
from hf_apt.stats.similarity.cka import FEWEST_ROWS, FromFirst, HsicSums, cka


def linear_cka_estimate(
    X: Float[np.ndarray, "rows features_x"],
    Y: Float[np.ndarray, "rows features_y"],
    documents: Sequence[Any],
    debiased: bool = True,
) -> Estimate:
    """`linear_cka` of two sets of states, with its standard error over documents.

    The error is that of a delete-a-group jackknife over 20 groups of neighbouring documents, in the
    order in which they first come, or fewer groups where there are fewer. It holds for other
    documents of the same kind and number, whose rows need not be independent within one.

    Args:
        X: the states of N things, shape (N, features).
        Y: other states of the same things in the same order, shape (N, other features).
        documents: of which document each of the N rows is, by any label.
        debiased: the debiased form; the plain one if False.

    Returns:
        The similarity, at most 1, with its standard error; `num` is the number of rows. The error
        is NaN for one document, and where fewer than 4 rows are left.

    Raises:
        ValueError: for other numbers of rows or of labels, fewer than 4 rows, and values that are
            not finite.
    """
    X, Y = np.asarray(X), np.asarray(Y)
    for name, values in (("X", X), ("Y", Y)):
        if values.ndim != 2:
            raise ValueError(f"{name} must have two axes, rows and features, not {values.ndim}.")
    if len(documents) != len(X):
        raise ValueError(f"there are {len(documents)} labels of documents and {len(X)} rows.")
    numbers: dict[Any, int] = {}
    numbers_N = np.array([numbers.setdefault(each, len(numbers)) for each in documents], np.int64)
    groups_N = groups_of_neighbours(numbers_N, len(numbers))
    x, y = FromFirst().rows("X", X), FromFirst().rows("Y", Y)
    if len(x.values_NH) != len(y.values_NH):
        HsicSums().add(x, y)  # which says so
    pairs = []
    for one, other in ((x, y), (x, x), (y, y)):
        parts = []
        for group in range(min(len(numbers), NUM_GROUPS)):
            parts.append(HsicSums())
            parts[-1].add(one.of(groups_N == group), other.of(groups_N == group))
        pairs.append(left_out(parts, debiased=debiased))
    (value, *left) = (cka(*hsics) for hsics in zip(*pairs, strict=True))
    return Estimate(value, float(jackknife_error(np.array(left))), len(X))


def left_out(parts: Sequence[HsicSums], *, debiased: bool) -> list[float]:
    """HSIC of all rows, and without each part in turn, NaN where less than 4 rows are left.

    Raises ValueError below 4 rows in all.
    """
    whole = HsicSums.total(parts)
    hsics = [whole.hsic(debiased=debiased)]
    for part in parts:
        enough = whole.num - part.num >= FEWEST_ROWS
        hsics.append(whole.without(part).hsic(debiased=debiased) if enough else float("nan"))
    return hsics
