"""Pairs of words, an opening and a closing one of the same kind, seen in part.

What is nested and what is flat differ in which positions can be a pair; how likely two positions
are to be one, and what a pair says of an asked word, is the same, and here.
"""
# B documents, T positions, N asked positions, V words, K kinds.

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from hf_apt.data.artificial.evidence import Evidence
from hf_apt.data.artificial.zipf import numbered_words


def pair_words(num_kinds: int) -> tuple[str, ...]:
    """The opening words o00, o01, … of all kinds, and then the closing ones c00, c01, …."""
    return (*numbered_words("o", num_kinds), *numbered_words("c", num_kinds))


def pair_weights(
    kinds_K: Float[np.ndarray, " kinds"], evidence: Evidence
) -> Float[np.ndarray, "documents open close"]:
    """(B, T, T) weight of what two positions show if they are a pair of any kind.

    The sum over kinds of their probability and of the likelihoods of the two words, of which it
    needs no loop: where the words shown are not of one kind, one of them at least is wrong.
    """
    num_kinds, shown_BT, other_BT = len(kinds_K), evidence.shown_BT, evidence.other_BT
    opens_BT = np.where((shown_BT >= 0) & (shown_BT < num_kinds), shown_BT, -1)
    closes_BT = np.where(shown_BT >= num_kinds, shown_BT - num_kinds, -1)
    # The likelihood of a word is `other`, and 1 - other more if it is the one that is shown.
    open_BT = np.where(opens_BT >= 0, (1 - other_BT) * kinds_K[opens_BT], 0.0)
    close_BT = np.where(closes_BT >= 0, (1 - other_BT) * kinds_K[closes_BT], 0.0)
    same_BTT = (opens_BT[:, :, None] == closes_BT[:, None, :]) & (opens_BT >= 0)[:, :, None]
    weights_BTT = other_BT[:, :, None] * other_BT[:, None, :] * kinds_K.sum()
    weights_BTT += open_BT[:, :, None] * other_BT[:, None, :]
    weights_BTT += other_BT[:, :, None] * close_BT[:, None, :]
    weights_BTT += same_BTT * open_BT[:, :, None] * (1 - other_BT)[:, None, :]
    return weights_BTT


def alone_weights(
    kinds_K: Float[np.ndarray, " kinds"], evidence: Evidence
) -> Float[np.ndarray, "documents seq"]:
    """(B, T) weight of what a position shows if it opens a pair that is closed nowhere."""
    num_kinds, shown_BT, other_BT = len(kinds_K), evidence.shown_BT, evidence.other_BT
    is_open_BT = (shown_BT >= 0) & (shown_BT < num_kinds)
    more_BT = (1 - other_BT) * kinds_K[np.where(is_open_BT, shown_BT, 0)]
    return other_BT * kinds_K.sum() + np.where(is_open_BT, more_BT, 0.0)


def pair_posteriors(
    kinds_K: Float[np.ndarray, " kinds"],
    evidence: Evidence,
    outside_BTT: Float[np.ndarray, "documents open close"],
    alone_BT: Float[np.ndarray, "documents seq"],
    asked_BT: Bool[np.ndarray, "documents seq"],
) -> Float[np.ndarray, "asked words"]:
    """The exact distribution of each asked word from what there is around each possible pair.

    Args:
        kinds_K: probabilities of the kinds.
        evidence: what the documents show.
        outside_BTT: weight of everything but the two positions, if they are a pair; 0 unless the
            first comes before the second.
        alone_BT: weight of everything but the position, if it opens a pair that is closed nowhere.
        asked_BT: the positions that are asked.

    Returns:
        (N, 2K) probabilities in row-major order: of the opening words, then of the closing ones.
    """
    rows_N, places_N = asked_BT.nonzero()
    num_kinds = len(kinds_K)
    shown_NT, other_NT = evidence.shown_BT[rows_N], evidence.other_BT[rows_N]
    opens_NT = outside_BTT[rows_N, places_N]  # the asked word opens, and is closed at T
    closes_NT = outside_BTT[rows_N, :, places_N]
    posterior_NV = np.empty((len(rows_N), 2 * num_kinds))
    for begin, partner_NT, first in ((0, opens_NT, num_kinds), (num_kinds, closes_NT, 0)):
        whatever_N = (partner_NT * other_NT).sum(axis=1)
        if begin == 0:
            whatever_N = whatever_N + alone_BT[rows_N, places_N]
        told_NK = np.repeat(whatever_N[:, None], num_kinds, axis=1)
        kind_NT = shown_NT - first
        is_kind_NT = (kind_NT >= 0) & (kind_NT < num_kinds)
        rows, seen = is_kind_NT.nonzero()
        more = partner_NT[rows, seen] * (1 - other_NT[rows, seen])
        np.add.at(told_NK, (rows, kind_NT[rows, seen]), more)
        posterior_NV[:, begin : begin + num_kinds] = told_NK * kinds_K
    return posterior_NV / posterior_NV.sum(axis=1, keepdims=True)
