"""The pair gap: how far the joint law of two tokens is from the product of their own laws."""
# A: tokens of the first position. B: tokens of the second.

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def pair_gap(
    first_A: Float[np.ndarray, " first"],
    second_B: Float[np.ndarray, " second"],
    second_given_first_AB: Float[np.ndarray, "first second"],
) -> float:
    """The divergence of the chained joint from the product, KL(p(a) p(b | a) || p(a) p(b)).

    It is the sum over a of p(a) KL(p(b | a) || p(b)). Where p(b) is the mean of p(b | a) it is the
    mutual information of the two tokens; a masked language model need not hold to that, and then
    the gap is larger by the divergence of that mean from p(b). Source: the chain rule; the joint
    that a pairwise head predicts directly in arXiv 2110.15527.

    Args:
        first_A: the law of the first token, which adds up to 1.
        second_B: the law of the second token, the first one hidden.
        second_given_first_AB: the laws of the second token once the first one is known, rows that
            add up to 1.

    Returns:
        Nats, at least 0. It is 0 for independent tokens and the entropy of the token for copies;
        infinite where p(b | a) is positive and p(b) is 0.

    Raises:
        ValueError: for arrays whose shapes do not go together, negative numbers, and laws that do
            not add up to 1.

    >>> half = np.array([0.5, 0.5])
    >>> round(pair_gap(half, half, np.eye(2)), 4)
    0.6931
    """
    if second_given_first_AB.shape != (len(first_A), len(second_B)):
        raise ValueError(
            f"second_given_first_AB has the shape {second_given_first_AB.shape}, not "
            f"{(len(first_A), len(second_B))}: a row for each first token."
        )
    for name, law in (
        ("first_A", first_A),
        ("second_B", second_B),
        ("second_given_first_AB", second_given_first_AB),
    ):
        if not (law >= 0).all() or not np.allclose(law.sum(axis=-1), 1.0, atol=1e-6):
            raise ValueError(f"{name} is no law: probabilities are at least 0 and add up to 1.")
    with np.errstate(divide="ignore"):
        logs_AB, logs_B = np.log(second_given_first_AB), np.log(second_B)
    return float(first_A @ divergences(logs_AB, logs_B))


def mutual_information(joint_AB: Float[np.ndarray, "first second"]) -> float:
    """The mutual information of a joint law in nats: KL(joint || product of its marginals).

    >>> round(mutual_information(np.eye(2) / 2), 4)
    0.6931
    """
    with np.errstate(divide="ignore"):
        log_AB = np.log(joint_AB)
        product_AB = np.log(joint_AB.sum(1))[:, None] + np.log(joint_AB.sum(0))
    return float(divergences(log_AB.ravel(), product_AB.ravel()))


def divergences(
    log_p: Float[np.ndarray, "*rows tokens"], log_q: Float[np.ndarray, "*rows tokens"]
) -> np.ndarray:
    """KL(p || q) over the last axis, in nats, from logarithms; what has no probability is left out.

    >>> float(divergences(np.log([0.5, 0.5]), np.log([0.5, 0.5])))
    0.0
    """
    p = np.exp(log_p)
    with np.errstate(invalid="ignore"):
        terms = p * (log_p - log_q)
    return np.where(p > 0, terms, 0.0).sum(axis=-1)
