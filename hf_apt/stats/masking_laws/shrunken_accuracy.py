"""The accuracy of each token, drawn to that of all where it was asked few times."""
# V vocabulary.

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num


def shrunken_accuracy(
    hits_V: Num[np.ndarray, " vocab"], asked_V: Num[np.ndarray, " vocab"], *, prior: float
) -> Float[np.ndarray, " vocab"]:
    """(hits + prior a) / (asked + prior), with a the accuracy over all asked positions.

    The mean of a beta posterior that has seen `prior` positions of every token beforehand, answered
    as well as all are. Where nothing was asked at all, a is 0.

    Args:
        hits_V: right answers of each token; they may be discounted, and need not be whole.
        asked_V: positions at which each token was asked for, at least as many.
        prior: positions that count as asked beforehand, above 0.

    Returns:
        An accuracy in [0, 1] for each token.

    Raises:
        ValueError: for a prior that is not above 0.

    >>> shrunken_accuracy(np.array([0, 3, 9]), np.array([0, 10, 10]), prior=10).tolist()
    [0.6, 0.45, 0.75]
    """
    if not prior > 0:
        raise ValueError(f"prior must be above 0, got {prior}.")
    total = float(np.sum(asked_V))
    overall = float(np.sum(hits_V)) / total if total else 0.0
    return (hits_V + prior * overall) / (asked_V + prior)
