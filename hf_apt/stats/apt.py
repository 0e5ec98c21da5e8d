"""Accuracy per token (APT), its mean as order parameter, and their standard errors.

APT of a token is the share of its modified occurrences that are predicted right; its unweighted
mean over tokens is the order parameter of pre-training (arXiv 2509.03407, abstract and Table 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.estimates import Estimate, mean_estimate, share_estimate


@dataclass(frozen=True)
class Apt50:
    """APT(50) in the three readings that the paper's tabulated "APT(50)" admits."""

    most_frequent_50: Estimate
    """Mean APT of the 50 most frequent tokens."""

    upper_half: Estimate
    """Mean APT of the more frequent half of the tokens."""

    support_50: Estimate
    """Mean APT of the tokens with at least 50 modified occurrences."""


def require_hits(hits: Any, support: Any) -> None:
    """Raise ValueError unless right answers and modified occurrences are of the same tokens."""
    for name, array in (("hits", hits), ("support", support)):
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{name} must be a NumPy array, got {array!r}.")
    if hits.shape[-1:] != support.shape[-1:]:
        raise ValueError(
            f"hits are of {hits.shape[-1:]} tokens and support of {support.shape[-1:]}: give those "
            "of the same tokens."
        )
    if (hits > support).any() or (hits < 0).any():
        raise ValueError(
            "a token has more hits than support, or less than none: give right answers and "
            "modified occurrences of the same tokens."
        )


def apt(
    hits: Int[np.ndarray, "*depth vocab"], support: Int[np.ndarray, " vocab"]
) -> Float[np.ndarray, "*depth vocab"]:
    """APT of each token in [0, 1]; NaN where a token was never asked for.

    Raises ValueError for more hits than support, and for a negative number of hits.

    >>> apt(np.array([1, 0, 0]), np.array([4, 2, 0])).tolist()
    [0.25, 0.0, nan]
    """
    require_hits(hits, support)
    with np.errstate(invalid="ignore"):
        return np.where(support > 0, hits / np.maximum(support, 1), np.nan)


def apt_standard_error(
    hits: Int[np.ndarray, "*depth vocab"], support: Int[np.ndarray, " vocab"]
) -> Float[np.ndarray, "*depth vocab"]:
    """Binomial standard error of each token's APT, sqrt(p (1 - p) / n); NaN where n = 0 (ours)."""
    p = apt(hits, support)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(p * (1 - p) / support)


def mean_apt(
    hits_V: Int[np.ndarray, " vocab"],
    support_V: Int[np.ndarray, " vocab"],
    *,
    min_support: int = 1,
    tokens_V: Bool[np.ndarray, " vocab"] | None = None,
) -> Estimate:
    """Mean APT, the order parameter: the unweighted mean over tokens asked for often enough.

    Tokens that were never asked for are not counted, as 0/0 is no accuracy. Source: arXiv
    2509.03407, abstract and Table 1.

    Args:
        hits_V: right answers of each token id, integers of shape (V,).
        support_V: modified occurrences of each token id, integers of shape (V,).
        min_support: smallest number of modified occurrences that a token is counted from, at least
            1.
        tokens_V: which tokens may be counted, booleans of shape (V,); all of them if None.

    Returns:
        The mean in [0, 1] with its standard error over tokens; `num` is the number of tokens
        counted. NaN over none.

    Raises:
        ValueError: if a token has more hits than support, or a negative number of hits; for a
            `min_support` that is no whole number of at least 1.

    >>> mean_apt(np.array([1, 2, 0]), np.array([4, 2, 0])).value
    0.625
    """
    require_whole_number("min_support", min_support)
    counted_V = support_V >= min_support
    if tokens_V is not None:
        counted_V = counted_V & tokens_V
    return mean_estimate(np.where(counted_V, apt(hits_V, support_V), np.nan))


def asked_alike(
    supports: Sequence[Int[np.ndarray, " vocab"]], *, min_support: int = 1
) -> Bool[np.ndarray, " vocab"]:
    """The tokens asked at least `min_support` times in each of several parts, such as treatments.

    Each part asks for other tokens besides, rare ones by chance, so that means over all of its own
    are of different tokens: parts are compared on these alone (ours).

    >>> asked_alike([np.array([4, 0, 1]), np.array([2, 3, 1])]).tolist()
    [True, False, True]
    """
    return np.all([support_V >= max(min_support, 1) for support_V in supports], axis=0)


def masked_accuracy(
    hits_V: Int[np.ndarray, " vocab"], support_V: Int[np.ndarray, " vocab"]
) -> Estimate:
    """The share of all modified positions that were predicted right (micro accuracy).

    Args:
        hits_V: right answers of each token id, integers of shape (V,).
        support_V: modified occurrences of each token id, integers of shape (V,).

    Returns:
        The share in [0, 1] with its binomial standard error; `num` is the number of positions. NaN
        over none.

    Raises:
        ValueError: if a token has more hits than support, or a negative number of hits.

    >>> masked_accuracy(np.array([1, 2]), np.array([4, 2])).value
    0.5
    """
    require_hits(hits_V, support_V)
    return share_estimate(int(hits_V.sum()), int(support_V.sum()))


def apt50(
    hits_V: Int[np.ndarray, " vocab"],
    support_V: Int[np.ndarray, " vocab"],
    frequency_V: Integer[np.ndarray, " vocab"],
) -> Apt50:
    """APT(50) in the three readings that the paper's tabulated "APT(50)" admits.

    Only tokens that were asked for are ranked. Equal frequencies are ranked by token id, so the
    result is the same on every run. Source: arXiv 2509.03407, Table 1; the three readings are ours.

    Args:
        hits_V: right answers of each token id, integers of shape (V,).
        support_V: modified occurrences of each token id, integers of shape (V,).
        frequency_V: occurrences of each token id in the training corpus, integers of shape (V,).

    Returns:
        Mean APT in [0, 1] of the 50 most frequent tokens, of the more frequent half, and of the
        tokens with at least 50 modified occurrences, each with its standard error over tokens.

    Raises:
        ValueError: if a token has more hits than support, or a negative number of hits.
    """
    asked = np.flatnonzero(support_V)
    by_frequency = asked[np.argsort(-frequency_V[asked].astype(np.int64), kind="stable")]

    def mean_of(tokens: np.ndarray) -> Estimate:
        tokens_V = np.zeros(len(support_V), bool)
        tokens_V[tokens] = True
        return mean_apt(hits_V, support_V, tokens_V=tokens_V)

    return Apt50(
        most_frequent_50=mean_of(by_frequency[:50]),
        upper_half=mean_of(by_frequency[: (len(by_frequency) + 1) // 2]),
        support_50=mean_apt(hits_V, support_V, min_support=50),
    )


ASKED_OFTEN = 10
"""Times that a token has to be asked for it to mean something that it was never right."""


def never_right(
    hits_V: Int[np.ndarray, " vocab"],
    support_V: Int[np.ndarray, " vocab"],
    *,
    min_support: int = ASKED_OFTEN,
) -> Int[np.ndarray, " tokens"]:
    """The ids of tokens asked at least `min_support` times and never right, most often asked first.

    Accuracy hides them where a few tokens make up most of a text. Tokens that are common and never
    right may never have been trained (ours).

    >>> never_right(np.array([0, 9, 0, 0]), np.array([10, 9, 9, 30])).tolist()
    [3, 0]
    """
    tokens = np.flatnonzero((support_V >= max(min_support, 1)) & (hits_V == 0))
    return tokens[np.argsort(-support_V[tokens], kind="stable")]
