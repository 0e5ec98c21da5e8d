"""The joint law whose conditionals are next to given ones, and where sampling in turn ends.

Both are fixed points that plain steps reach slowly where tokens are rare, as most are. Here they
are solved for.
"""
# A: tokens of the first position. B: tokens of the second. X: both after one another.

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.special import expit, logsumexp, softmax

_MOST_STEPS = 200
_RESIDUAL = 1e-9
_MOST_RESIDUAL = 1e-5
"""What may be left after the last step: by so much q(a | b) + q(b | a) is off in sum."""


class JointNotFoundError(ValueError):
    """The equations of a joint law were not solved."""


def nearest_joint(
    log_first_given_second_AB: Float[np.ndarray, "first second"],
    log_second_given_first_AB: Float[np.ndarray, "first second"],
) -> Float[np.ndarray, "first second"]:
    """The joint law q that makes the sum of KL(p(. | b) || q(. | b)) over b and over a smallest.

    Its conditions are q(a | b) + q(b | a) = p(a | b) + p(b | a) = s (Arnold and Gokhale 1998), so
    that q(a, b) = s / (1 / q(a) + 1 / q(b)). With w = -log q(a) and z = -log q(b) they say that the
    sum over b of s sigmoid(w - z) is 1, and that over a of s sigmoid(z - w): the equations of a
    logistic model of pairs. Its convex loss is minimised by Newton's method (ours).

    Args:
        log_first_given_second_AB: log p(a | b), columns normalised.
        log_second_given_first_AB: log p(b | a), rows normalised.

    Returns:
        log q(a, b).

    Raises:
        JointNotFoundError: where the method does not arrive, as for tokens that are impossible, or
            all but impossible, given all others.
    """
    log_sum_AB = np.logaddexp(log_first_given_second_AB, log_second_given_first_AB)
    sum_AB = np.exp(log_sum_AB)
    num = len(sum_AB)
    aim_X = np.concatenate([-np.ones(num), sum_AB.sum(0) - 1])
    at_X = -np.log(np.concatenate([softmax(np.zeros(num)), softmax(np.zeros(sum_AB.shape[1]))]))

    def loss(at_X: np.ndarray) -> float:
        margin_AB = at_X[:num, None] - at_X[num:]
        return float((sum_AB * np.logaddexp(0, margin_AB)).sum() + aim_X @ at_X)

    slope_X = np.full(len(aim_X), np.inf)
    for _ in range(_MOST_STEPS):
        share_AB = sum_AB * expit(at_X[:num, None] - at_X[num:])
        slope_X = np.concatenate([share_AB.sum(1), -share_AB.sum(0)]) + aim_X
        if np.abs(slope_X).max() < _RESIDUAL:
            break
        bend_AB = share_AB * expit(at_X[num:] - at_X[:num, None])
        try:
            step_X = np.linalg.solve(_curvature(bend_AB), slope_X)
        except np.linalg.LinAlgError:
            break
        at_X = _descended(loss, at_X, step_X, float(slope_X @ step_X))
    if not np.abs(slope_X).max() < _MOST_RESIDUAL:
        raise JointNotFoundError(
            "the joint law whose conditionals are nearest was not found: some tokens are all but "
            "impossible given all others."
        )
    log_AB = log_sum_AB - np.logaddexp(at_X[:num, None], at_X[num:])
    return log_AB - logsumexp(log_AB)


def _curvature(bend_AB: np.ndarray) -> np.ndarray:
    """The second derivatives; a constant that is added to all has none, and is held."""
    num, whole = len(bend_AB), sum(bend_AB.shape)
    curvature_XX = np.diag(np.concatenate([bend_AB.sum(1), bend_AB.sum(0)]))
    curvature_XX[:num, num:] = -bend_AB
    curvature_XX[num:, :num] = -bend_AB.T
    return curvature_XX + 1 / whole + 1e-14 * np.eye(whole)


def _descended(
    loss: Callable[[np.ndarray], float], at_X: np.ndarray, step_X: np.ndarray, gain: float
) -> np.ndarray:
    """The step, halved until it lowers the loss."""
    before, size = loss(at_X), 1.0
    while size > 1e-6 and not loss(at_X - size * step_X) <= before - 1e-4 * size * gain + 1e-12:
        size /= 2
    return at_X - size * step_X


def stationary(steps_AA: Float[np.ndarray, "from to"]) -> Float[np.ndarray, " states"]:
    """The law that a Markov chain keeps, by elimination without subtractions.

    Small probabilities are as exact as large ones. Source: Grassmann, Taksar and Heyman 1985.

    Args:
        steps_AA: the probability of each step, rows that add up to 1, none of them 0.

    Returns:
        The law.

    >>> stationary(np.array([[0.9, 0.1], [0.3, 0.7]])).round(4).tolist()
    [0.75, 0.25]
    """
    left_AA = steps_AA.copy()
    for last in range(len(left_AA) - 1, 0, -1):
        left_AA[:last, last] /= left_AA[last, :last].sum()
        left_AA[:last, :last] += np.outer(left_AA[:last, last], left_AA[last, :last])
    law_A = np.ones(len(left_AA))
    for state in range(1, len(law_A)):
        law_A[state] = law_A[:state] @ left_AA[:state, state]
    return law_A / law_A.sum()
