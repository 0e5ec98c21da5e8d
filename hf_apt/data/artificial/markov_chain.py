"""Exact forward-backward for a Markov chain of words that is seen in part.

With a_t(x) the weight of everything before position t and the word x at it, and b_t(x) that of
everything after it, p(x_t = x | all that is shown elsewhere) is proportional to a_t(x) b_t(x); what
is masked is summed over on the way. With both neighbours shown it is P(x_{t-1}, x) P(x, x_{t+1}).
"""
# B documents, T positions, N asked positions, V words.

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from hf_apt.data.artificial.evidence import Evidence

_BYTES = 150_000_000
"""Memory of the weights of the documents that are read at once, about."""

Step = Callable[[np.ndarray], np.ndarray]
"""(B, V) weights of one position from those of a neighbour."""


def smoothed(
    start_V: Float[np.ndarray, " words"],
    forward: Step,
    backward: Step,
    evidence: Evidence,
    asked_BT: Bool[np.ndarray, "documents seq"],
) -> Float[np.ndarray, "asked words"]:
    """The exact distribution of each asked word of a chain given what all others show.

    Args:
        start_V: probabilities of the first word.
        forward: weights w of a word to those of the next: sum over x of w(x) P(x, y).
        backward: values v of a word to those of the word before: sum over y of P(x, y) v(y).
        evidence: what the documents show.
        asked_BT: the positions that are asked.

    Returns:
        (N, V) probabilities in row-major order.
    """
    num_documents, length = asked_BT.shape
    batch = max(_BYTES // (8 * max(length, 1) * len(start_V)), 1)
    parts = [
        _smoothed(start_V, forward, backward, evidence.rows(rows), asked_BT[rows])
        for begin in range(0, num_documents, batch)
        for rows in (slice(begin, begin + batch),)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, len(start_V)))


def _smoothed(
    start_V: np.ndarray, forward: Step, backward: Step, evidence: Evidence, asked_BT: np.ndarray
) -> np.ndarray:
    num_documents, length = asked_BT.shape
    before_TBV = np.empty((length, num_documents, len(start_V)))
    weights_BV = np.repeat(start_V[None], num_documents, axis=0)
    for position in range(length):
        before_TBV[position] = weights_BV
        weights_BV = weights_BV * evidence.of_words(len(start_V), position)
        weights_BV = forward(weights_BV / weights_BV.sum(axis=1, keepdims=True))
    places_BT = np.cumsum(asked_BT).reshape(asked_BT.shape) - 1
    posterior_NV = np.empty((int(asked_BT.sum()), len(start_V)))
    after_BV = np.ones((num_documents, len(start_V)))
    for position in reversed(range(length)):
        asked_B = asked_BT[:, position]
        prior = before_TBV[position, asked_B] * after_BV[asked_B]
        posterior_NV[places_BT[asked_B, position]] = prior / prior.sum(axis=1, keepdims=True)
        after_BV = after_BV * evidence.of_words(len(start_V), position)
        after_BV = backward(after_BV / after_BV.max(axis=1, keepdims=True))
    return posterior_NV
