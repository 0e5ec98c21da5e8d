"""Whether parts know different tokens: how far they overlap, and what a choice of part gains."""
# U parts, T tokens, G groups of tokens.

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from hf_apt.stats.estimates import Estimate, jackknife_error, mean_estimate
from hf_apt.stats.experts.halves import apt_of_halves
from hf_apt.stats.experts.part_answers import PartAnswers

_NUM_GROUPS = 20


def mean_cosine(apt_UT: Float[np.ndarray, "part tokens"]) -> Estimate:
    """The mean cosine of the APT of two parts as vectors over tokens, in [0, 1].

    1 where all parts know the same tokens equally well; 0 where no token is known by two. Pairs
    with a part that knows nothing are left out, and the value is NaN where there are no others.
    Finite numbers of occurrences make it smaller than that of the true APT. The standard error is
    that of a jackknife over 20 groups of tokens; `num` is the number of tokens. Source: ours.

    >>> mean_cosine(np.array([[1.0, 0.0], [0.0, 0.5]])).value
    0.0
    """
    num = apt_UT.shape[1]
    groups_T = np.arange(num) % _NUM_GROUPS
    left_G = [_cosine(apt_UT[:, groups_T != group]) for group in range(min(_NUM_GROUPS, num))]
    error = jackknife_error(np.array(left_G)) if len(left_G) > 1 else np.nan
    return Estimate(_cosine(apt_UT), float(error), num)


def _cosine(apt_UT: Float[np.ndarray, "part tokens"]) -> float:
    length_U = np.linalg.norm(apt_UT, axis=1)
    apt_UT, length_U = apt_UT[length_U > 0], length_U[length_U > 0]
    if len(apt_UT) < 2:
        return float("nan")
    cosine_UU = apt_UT @ apt_UT.T / np.outer(length_U, length_U)
    return float(cosine_UU[np.triu_indices(len(cosine_UU), 1)].mean())


def mean_jaccard(known_UT: Bool[np.ndarray, "part tokens"]) -> float:
    """The mean share of the tokens known by one of two parts that both know, in [0, 1].

    Pairs that know nothing are left out; NaN where there are no others.

    >>> mean_jaccard(np.array([[True, True, False], [False, True, True]]))
    0.3333333333333333
    """
    both_UU = (known_UT[:, None] & known_UT).sum(axis=2)
    either_UU = (known_UT[:, None] | known_UT).sum(axis=2)
    one, other = np.triu_indices(len(known_UT), 1)
    both_X, either_X = both_UU[one, other], either_UU[one, other]
    shares = both_X[either_X > 0] / either_X[either_X > 0]
    return float(shares.mean()) if len(shares) else float("nan")


def choice_gain(answers: PartAnswers, *, min_support: int = 10) -> Estimate:
    """What it gains to ask for each token the part that knows it best, not the best part for all.

    Parts are chosen on the texts of even numbers and judged by APT on those of odd numbers, and the
    other way round, so that luck in choosing gains nothing: 0 or less on average where parts differ
    in how much they know and not in what. For another part than the best for all to be chosen, it
    has to be better where it is chosen. Source: ours.

    Args:
        answers: what parts answered; the texts' numbers divide it.
        min_support: how often a token has to be asked for, in both halves together.

    Returns:
        The difference in mean APT, in [-1, 1], with its standard error over tokens; NaN where no
        token is asked for in both halves.
    """
    apt_2UT = apt_of_halves(answers, min_support=min_support)
    gains = [_gain(apt_2UT[half], apt_2UT[1 - half]) for half in (0, 1)]
    return mean_estimate(np.mean(gains, axis=0))


def _gain(
    chosen_UT: Float[np.ndarray, "part tokens"], judged_UT: Float[np.ndarray, "part tokens"]
) -> Float[np.ndarray, " tokens"]:
    tokens = np.arange(chosen_UT.shape[1])
    best = int(chosen_UT.mean(axis=1).argmax()) if len(tokens) else 0
    best_T = chosen_UT.argmax(axis=0)
    best_T = np.where(chosen_UT[best_T, tokens] > chosen_UT[best], best_T, best)
    return judged_UT[best_T, tokens] - judged_UT[best]
