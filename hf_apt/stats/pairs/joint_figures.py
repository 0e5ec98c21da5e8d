"""How good a joint law of two tokens is, and how far a model's conditionals are from any."""
# A: tokens of the first position. B: tokens of the second.

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from hf_apt.stats.pairs.joints import PairLogits
from hf_apt.stats.pairs.pair_gap import divergences


def conditional_divergence(
    logits: PairLogits, log_joint_AB: Float[np.ndarray, "first second"]
) -> float:
    """How far the conditionals of a joint law are from those of the model.

    The mean over all given tokens, and over both directions, of KL(model's conditional || joint's
    conditional), as in arXiv 2305.15501, section 4 (faithfulness over all tokens).

    Args:
        logits: what the model answers.
        log_joint_AB: the logarithm of a joint law.

    Returns:
        Nats, at least 0; 0 if the joint law has the model's conditionals.
    """
    first_AB = log_joint_AB - logsumexp(log_joint_AB, axis=0, keepdims=True)
    second_AB = log_joint_AB - logsumexp(log_joint_AB, axis=1, keepdims=True)
    of_first_B = divergences(logits.log_first_given_second_AB.T, first_AB.T)
    of_second_A = divergences(logits.log_second_given_first_AB, second_AB)
    return float((of_first_B.mean() + of_second_A.mean()) / 2)


def order_divergence(
    one_AB: Float[np.ndarray, "first second"], other_AB: Float[np.ndarray, "first second"]
) -> float:
    """The Jensen-Shannon divergence of two joint laws, from their logarithms, in nats.

    Returns:
        0 for equal laws, log 2 for such as share no pair.
    """
    mean_AB = np.logaddexp(one_AB, other_AB) - np.log(2)
    mean = divergences(one_AB.ravel(), mean_AB.ravel()) + divergences(
        other_AB.ravel(), mean_AB.ravel()
    )
    return float(mean / 2)
