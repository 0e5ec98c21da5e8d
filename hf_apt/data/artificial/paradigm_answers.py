"""Exact posteriors of words of many paradigms: sums forward and backward over slots and contexts.

What a position shows changes only the states whose slot can say the word that is shown, and of
those only the contexts that prefer it; all others are multiplied by one number. So neither a table
of states and words nor a confusion matrix is made: time goes with positions times slots times
contexts, and memory with a batch of documents. Source: ours.
"""
# B documents, T positions, N asked positions, U topics, L latents, F frames, S slots, V words.

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from hf_apt.data.artificial.evidence import Evidence
from hf_apt.data.artificial.paradigm_law import ParadigmLaw

BYTES_PER_BATCH = 40000000
"""Memory for the weights of the documents that are read at once, in bytes."""


def paradigm_posteriors(
    law: ParadigmLaw, evidence: Evidence, asked_BT: Bool[np.ndarray, "documents seq"]
) -> Float[np.ndarray, "asked words"]:
    """The exact distribution of each asked word given what all other positions show.

    Args:
        law: the language.
        evidence: what the documents show.
        asked_BT: the positions that are asked.

    Returns:
        (N, V) probabilities in row-major order of the asked positions, 8 N V bytes.
    """
    num_documents, length = asked_BT.shape
    size = 8 * length * len(law.kind_S) * law.context_probs_UL.size
    batch = max(1, BYTES_PER_BATCH // max(size, 1))
    parts = [np.zeros((0, law.num_words))]
    for begin in range(0, num_documents, batch):
        rows = slice(begin, begin + batch)
        parts.append(_smoothed(law, evidence.rows(rows), asked_BT[rows]))
    return np.concatenate(parts)


def _smoothed(
    law: ParadigmLaw, evidence: Evidence, asked_BT: Bool[np.ndarray, "documents seq"]
) -> Float[np.ndarray, "asked words"]:
    """`paradigm_posteriors` of one batch."""
    num_documents, length = asked_BT.shape
    shape = (num_documents, len(law.kind_S), *law.context_probs_UL.shape)
    predicted_TBSUL = np.empty((length, *shape))
    first_BSUL = predicted_TBSUL[0]
    first_BSUL[:] = 0.0
    first_BSUL[:, law.starts_F] = law.frame_start_F[:, None, None] * law.context_probs_UL
    for position in range(length - 1):
        seen_BSUL = _seen(law, evidence, position, predicted_TBSUL[position])
        seen_BSUL /= seen_BSUL.sum(axis=(1, 2, 3), keepdims=True)
        next_BSUL = predicted_TBSUL[position + 1]
        next_BSUL[:, 1:] = seen_BSUL[:, :-1]
        ended_BUF = seen_BSUL[:, law.ends_F].sum(axis=3).swapaxes(1, 2)
        begun_BFU = (ended_BUF @ law.frame_steps_FF).swapaxes(1, 2)
        next_BSUL[:, law.starts_F] = begun_BFU[..., None] * law.latent_probs_UL
    which_BT = np.cumsum(asked_BT).reshape(asked_BT.shape) - 1
    posterior_NV = np.empty((int(asked_BT.sum()), law.num_words))
    future_BSUL = np.ones(shape)
    for position in reversed(range(length)):
        asked_B = np.flatnonzero(asked_BT[:, position])
        if asked_B.size:
            prior_NSUL = predicted_TBSUL[position, asked_B] * future_BSUL[asked_B]
            posterior_NV[which_BT[asked_B, position]] = _words(law, prior_NSUL)
        if position:
            seen_BSUL = _seen(law, evidence, position, future_BSUL)
            seen_BSUL /= seen_BSUL.max(axis=(1, 2, 3), keepdims=True)
            future_BSUL[:, :-1] = seen_BSUL[:, 1:]
            begun_BFU = (seen_BSUL[:, law.starts_F] * law.latent_probs_UL).sum(axis=3)
            future_BSUL[:, law.ends_F] = (law.frame_steps_FF @ begun_BFU)[..., None]
    return posterior_NV


def _seen(
    law: ParadigmLaw,
    evidence: Evidence,
    position: int,
    weights_BSUL: Float[np.ndarray, "documents slots topics latents"],
) -> Float[np.ndarray, "documents slots topics latents"]:
    """The weights times the likelihood of what is shown at a position."""
    shown_B, other_B = evidence.shown_BT[:, position], evidence.other_BT[:, position]
    seen_BSUL = weights_BSUL * other_B[:, None, None, None]
    says_BS = (law.kind_S == law.kind_V[shown_B][:, None]) & (shown_B >= 0)[:, None]
    rows, slots = says_BS.nonzero()
    words = shown_B[rows]
    is_preferred_C = law.preferred_KC[law.kind_S[slots]] == words[:, None]
    prob_C = law.preference * is_preferred_C + (1 - law.preference) * law.rest_V[words][:, None]
    other_1 = other_B[rows][:, None]
    likelihood_C = (other_1 + (1.0 - other_1) * prob_C).reshape(-1, *law.context_probs_UL.shape)
    seen_BSUL[rows, slots] = weights_BSUL[rows, slots] * likelihood_C
    return seen_BSUL


def _words(
    law: ParadigmLaw, prior_NSUL: Float[np.ndarray, "asked slots topics latents"]
) -> Float[np.ndarray, "asked words"]:
    """(N, V) probabilities of words for weights of slots and contexts, normalised."""
    num_kinds, num_contexts = law.preferred_KC.shape
    prior_NSC = prior_NSUL.reshape(*prior_NSUL.shape[:2], num_contexts)
    in_order = np.argsort(law.kind_S, kind="stable")
    kinds, bounds = np.unique(law.kind_S[in_order], return_index=True)
    by_kind_NKC = np.zeros((len(prior_NSC), num_kinds, num_contexts))
    by_kind_NKC[:, kinds] = np.add.reduceat(prior_NSC[:, in_order], bounds, axis=1)
    mass_NK = by_kind_NKC.sum(axis=2)
    posterior_NV = (1.0 - law.preference) * law.rest_V * mass_NK[:, law.kind_V]
    ends_K = np.append(law.bounds_K[1:], law.num_words)
    for kind, words_C in enumerate(law.preferred_KC):
        first, end = law.bounds_K[kind], ends_K[kind]
        if end - first == 1:
            posterior_NV[:, first] += law.preference * mass_NK[:, kind]
        else:
            order_C = np.argsort(words_C, kind="stable")
            words, at = np.unique(words_C[order_C], return_index=True)
            sums = np.add.reduceat(by_kind_NKC[:, kind, order_C], at, axis=1)
            posterior_NV[:, words] += law.preference * sums
    return posterior_NV / posterior_NV.sum(axis=1, keepdims=True)
