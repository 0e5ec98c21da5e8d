"""Which part is an expert in which token: right more often than every other, beyond chance."""
# U parts, V tokens, N positions.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.stats.experts.part_answers import PartAnswers


@dataclass(frozen=True)
class Expert:
    """A part that knows a token better than all other parts do."""

    part: int
    """Number of the part, from 0."""

    token: int
    """The token's id, or the class's number."""

    hits: int
    """How often the part was right."""

    support: int
    """How often the token was asked for."""

    apt: float
    """APT of the part, in [0, 1]."""

    next_apt: float
    """APT of the best of the other parts."""

    false_alarm_rate: float
    """How often the part answers this token where another one is true, in [0, 1]."""

    p_value: float
    """Adjusted for all pairs of part and token that were looked at (Benjamini-Hochberg)."""


def expert_tokens(
    answers: PartAnswers,
    *,
    min_support: int = 10,
    min_lead: float = 0.1,
    false_discovery_rate: float = 0.05,
) -> tuple[list[Expert], int]:
    """The experts among parts, and how many pairs of part and token were looked at.

    A part is an expert in a token if it is right more often than every other part at the same
    positions (sign test on the positions where one of the two is right, one-sided, the largest p of
    all others), by at least `min_lead`, and if it answers the token at the token's positions more
    often than elsewhere (hypergeometric test), so that one who always answers the same is none. The
    p of a pair is the larger of the two. Over all pairs the rate of false discoveries is bounded
    (Benjamini and Hochberg 1995). Positions are taken for independent. Source: ours.

    Args:
        answers: what at least two parts answered.
        min_support: how often a token has to be asked for to be looked at.
        min_lead: smallest difference to the APT of the best of the others.
        false_discovery_rate: expected share of false ones among the experts that are named.

    Returns:
        Experts, the largest lead first, and the number of pairs looked at.

    Raises:
        ValueError: for fewer than two parts.
    """
    if answers.num_parts < 2:
        raise ValueError(f"experts differ from others, and there is {answers.num_parts} part.")
    support_V = answers.counts.support()
    tokens = np.flatnonzero(support_V >= min_support)
    n_T, hits_UT = support_V[tokens], answers.counts.hits()[:, tokens]
    p_UT = np.maximum(
        _beats_all_others(answers, tokens),
        _skill(hits_UT, answers.answered()[:, tokens], n_T, answers),
    )
    adjusted_UT = adjusted(p_UT.ravel()).reshape(p_UT.shape)
    apt_UT = hits_UT / np.maximum(n_T, 1)
    best_TU = np.sort(apt_UT, axis=0)[::-1].T
    next_UT = np.where(apt_UT == best_TU[:, 0], best_TU[:, 1], best_TU[:, 0])
    false_UT = (answers.answered()[:, tokens] - hits_UT) / np.maximum(support_V.sum() - n_T, 1)
    is_expert_UT = (adjusted_UT <= false_discovery_rate) & (apt_UT - next_UT >= min_lead)
    experts = [
        Expert(
            part=int(part),
            token=int(tokens[at]),
            hits=int(hits_UT[part, at]),
            support=int(n_T[at]),
            apt=float(apt_UT[part, at]),
            next_apt=float(next_UT[part, at]),
            false_alarm_rate=float(false_UT[part, at]),
            p_value=float(adjusted_UT[part, at]),
        )
        for part, at in zip(*is_expert_UT.nonzero(), strict=True)
    ]
    return sorted(experts, key=lambda one: one.next_apt - one.apt), p_UT.size


def _beats_all_others(
    answers: PartAnswers, tokens: Int[np.ndarray, " tokens"]
) -> Float[np.ndarray, "part tokens"]:
    """The largest p of the sign tests of each part against each other one, token by token."""
    from scipy.stats import binom

    wins_UUT = wins(answers, tokens)
    discordant_UUT = wins_UUT + wins_UUT.swapaxes(0, 1)
    p_UUT = binom.sf(wins_UUT - 1, discordant_UUT, 0.5)
    p_UUT[np.arange(len(p_UUT)), np.arange(len(p_UUT))] = 0.0
    return p_UUT.max(axis=1)


def wins(
    answers: PartAnswers, tokens: Int[np.ndarray, " tokens"]
) -> Int[np.ndarray, "part part tokens"]:
    """At how many positions of each token the first part is right and the second is not."""
    references_N, right_UN = answers.references(), answers.right()
    places_N = np.searchsorted(tokens, references_N)
    is_in_N = np.isin(references_N, tokens)
    places_N, right_UN = places_N[is_in_N], right_UN[:, is_in_N]
    num = len(right_UN)
    wins_UUT = np.zeros((num, num, len(tokens)), np.int64)
    for one in range(num):
        for other in range(num):
            won_N = right_UN[one] & ~right_UN[other]
            wins_UUT[one, other] = np.bincount(places_N[won_N], minlength=len(tokens))
    return wins_UUT


def _skill(
    hits_UT: Int[np.ndarray, "part tokens"],
    answered_UT: Int[np.ndarray, "part tokens"],
    support_T: Int[np.ndarray, " tokens"],
    answers: PartAnswers,
) -> Float[np.ndarray, "part tokens"]:
    """The probability of as many hits if a part's answers of a token lay anywhere."""
    from scipy.stats import hypergeom

    total = int(answers.counts.support().sum())
    return hypergeom.sf(hits_UT - 1, total, support_T, answered_UT)


def adjusted(p_X: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """p-values of several tests, adjusted by Benjamini and Hochberg (1995).

    >>> adjusted(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(-p_X, kind="stable")
    ranks = np.arange(len(p_X), 0, -1)
    values_X = np.empty(len(p_X))
    values_X[order] = np.minimum.accumulate(np.minimum(p_X[order] * len(p_X) / ranks, 1.0))
    return values_X


def known_tokens(
    answers: PartAnswers, *, min_support: int = 10, least: float = 0.5
) -> Bool[np.ndarray, "part tokens"]:
    """Which tokens each part is right about in at least `least` of the cases.

    Tokens are those asked for `min_support` times or more, in the order of their ids.
    """
    return answers.apt(min_support) >= least
