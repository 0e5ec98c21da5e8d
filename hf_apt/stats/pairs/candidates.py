"""Which tokens are put in a masked position, and what each of them stands for.

A sum over the vocabulary, weighted by the probability of each token, is taken exactly over the most
probable ones and estimated from draws of the others. The estimate has no bias at any depth.
"""
# C: candidates. D: depths. V: the vocabulary.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Candidates:
    """Tokens that stand for all tokens of a position."""

    ids_C: Int[np.ndarray, " candidates"]
    """Token ids: first those that are summed over exactly, ascending; then the drawn ones, of which
    one can stand several times."""

    weights_DC: Float[np.ndarray, "depth candidates"]
    """What each counts for at each depth, at least 0: sums of f(token) times these have the
    expectation of the sum of p(token) f(token) over the vocabulary."""

    num_exact: int
    """How many of them are summed over exactly."""

    tail_D: Float[np.ndarray, " depth"]
    """The probability of all other tokens at each depth, in [0, 1]."""


def candidates(
    log_probs_DV: Float[np.ndarray, "depth vocab"],
    true_id: int,
    *,
    num_best: int,
    num_drawn: int,
    generator: np.random.Generator,
) -> Candidates:
    """The tokens by which a sum over the vocabulary is taken, the same ones at every depth.

    The best ones are those of the mean probability over the depths, and the true token, which takes
    the place of the last of them. Others are drawn with replacement in proportion to that mean, so
    that the weight of a draw is at most the number of depths over the number of draws. Source:
    ours (importance sampling from the mixture).

    Args:
        log_probs_DV: logarithms of the probabilities at each depth.
        true_id: the token that is there in truth.
        num_best: tokens that are summed over exactly; all if there are no more.
        num_drawn: draws from the others; 0 leaves them out, `tail_D` says how much that is.
        generator: makes the draws.

    Returns:
        At least one candidate.
    """
    num_tokens = log_probs_DV.shape[1]
    probs_DV = np.exp(log_probs_DV)
    if num_best >= num_tokens:
        return Candidates(np.arange(num_tokens), probs_DV, num_tokens, np.zeros(len(probs_DV)))
    mixture_V = probs_DV.mean(axis=0)
    best_K = np.argsort(-mixture_V, kind="stable")[:num_best]
    if true_id not in best_K:
        best_K[-1] = true_id
    best_K.sort()
    is_tail_V = np.ones(num_tokens, bool)
    is_tail_V[best_K] = False
    tail_D = probs_DV[:, is_tail_V].sum(axis=1)
    others = np.flatnonzero(is_tail_V & (mixture_V > 0)) if num_drawn else np.zeros(0, int)
    if not len(others):
        return Candidates(best_K, probs_DV[:, best_K], len(best_K), tail_D)
    share_X = mixture_V[others] / mixture_V[others].sum()
    places = generator.choice(len(others), num_drawn, p=share_X)
    drawn = others[places]
    weights_DX = probs_DV[:, drawn] / (num_drawn * share_X[places])
    return Candidates(
        np.concatenate([best_K, drawn]),
        np.concatenate([probs_DV[:, best_K], weights_DX], axis=1),
        len(best_K),
        tail_D,
    )
