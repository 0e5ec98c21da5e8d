"""Two classes with a kernel that is not symmetric, by least squares for both of its sides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class TwoSides(NamedTuple):
    """The coefficients of both sides, times the label."""

    rows_I: Float[np.ndarray, " I"]
    """Of the training texts as rows: they predict by K(training text, text)."""

    columns_I: Float[np.ndarray, " I"]
    """Of the training texts as columns: they predict by K(text, training text)."""


def asymmetric_solution(
    kernel_II: Float[np.ndarray, "I I"], labels_I: np.ndarray, *, regularisation: float = 1e-2
) -> TwoSides:
    """The coefficients of least squares with an asymmetric kernel, for two classes.

    Solved is [[r I, H], [H', r I]] (a; b) = 1, where H_ij = y_i K_ij y_j with labels y of ±1, and
    r is `regularisation` times the largest singular value of K. For a symmetric kernel both sides
    are kernel ridge regression on ±1. Source: arXiv 2210.05643 (its code), with r for 1 / gamma.

    Args:
        kernel_II: the kernel between training texts, of one output.
        labels_I: 0 or 1.
        regularisation: relative to the operator norm, above 0.

    Returns:
        The coefficients of both sides, each times the label of its text: outputs are
        `kernel_JI @ columns_I`, or `rows_I @ kernel_IJ`, positive for class 1.

    Raises:
        ValueError: for a kernel that is not square, labels other than 0 and 1, and a
            regularisation of 0 or less.
    """
    kernel_II = np.asarray(kernel_II, np.float64)
    num = len(labels_I)
    if kernel_II.shape != (num, num):
        raise ValueError(
            f"a kernel of the shape {kernel_II.shape} for {num} labels: give the one between "
            "training texts, of a single output."
        )
    if not np.isin(labels_I, (0, 1)).all():
        raise ValueError("the asymmetric solver is for two classes, labels 0 and 1: take ridge.")
    if not regularisation > 0:
        raise ValueError(f"a regularisation of {regularisation}: give a number above 0.")
    signs_I = 2.0 * np.asarray(labels_I) - 1
    signed_II = signs_I[:, None] * kernel_II * signs_I
    own = regularisation * np.linalg.norm(kernel_II, 2) * np.eye(num)
    system = np.block([[own, signed_II], [signed_II.T, own]])
    solved = np.linalg.lstsq(system, np.ones(2 * num), rcond=None)[0]
    return TwoSides(signs_I * solved[:num], signs_I * solved[num:])
