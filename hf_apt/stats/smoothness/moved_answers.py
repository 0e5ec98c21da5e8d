"""How far the answers to inputs move when the inputs are perturbed: divergence and flips."""
# N inputs, C outputs: logits of classes, or one number.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hf_apt.stats.estimates import Estimate, mean_estimate, share_estimate


@dataclass(frozen=True)
class MovedAnswers:
    """Of answers to inputs as they are, and perturbed."""

    divergence: Estimate
    """Mean over inputs of KL(p || q) + KL(q || p), in nats, or of the squared difference of
    numbers; at least 0."""

    largest: float
    """The largest divergence of an input."""

    flip_rate: Estimate
    """Share of the inputs that get another class, in [0, 1]; NaN where answers are numbers."""


def moved_answers(
    divergence_N: Float[np.ndarray, " n"], is_flipped_N: Bool[np.ndarray, " n"] | None
) -> MovedAnswers:
    """The figures of inputs whose answers moved by `divergence_N`, in any order.

    `is_flipped_N` says which got another class; None where answers are numbers. Standard errors
    take inputs as independent.

    Raises ValueError where there is no input.
    """
    if not len(divergence_N):
        raise ValueError("there is no answer yet: give logits of inputs as they are and perturbed.")
    if is_flipped_N is None:
        flips = Estimate(float("nan"), float("nan"), len(divergence_N))
    else:
        flips = share_estimate(int(is_flipped_N.sum()), len(is_flipped_N))
    return MovedAnswers(mean_estimate(np.sort(divergence_N)), float(divergence_N.max()), flips)


def divergences(
    first_NC: Float[np.ndarray, "n outputs"], second_NC: Float[np.ndarray, "n outputs"]
) -> Float[np.ndarray, " n"]:
    """KL(p || q) + KL(q || p) of the softmax of each row, in nats; at least 0.

    Of a single output the squared difference. Jiang et al. 2020, arXiv 1911.03437, section 3.1.
    """
    first_NC, second_NC = first_NC.astype(np.float64), second_NC.astype(np.float64)
    if first_NC.shape[1] == 1:
        return np.square(first_NC - second_NC)[:, 0]
    log_p_NC, log_q_NC = _log_softmax(first_NC), _log_softmax(second_NC)
    return ((np.exp(log_p_NC) - np.exp(log_q_NC)) * (log_p_NC - log_q_NC)).sum(axis=1)


def flips(
    first_NC: Float[np.ndarray, "n outputs"], second_NC: Float[np.ndarray, "n outputs"]
) -> Bool[np.ndarray, " n"] | None:
    """Whether the class of each row changes; None of a single output, which is a number."""
    if first_NC.shape[1] == 1:
        return None
    return first_NC.argmax(axis=1) != second_NC.argmax(axis=1)


def _log_softmax(logits_NC: np.ndarray) -> np.ndarray:
    logits_NC = logits_NC - logits_NC.max(axis=1, keepdims=True)
    return logits_NC - np.log(np.exp(logits_NC).sum(axis=1, keepdims=True))
