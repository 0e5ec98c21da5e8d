"""What a corrupted document says of the word at each position, under BERT's corruption.

Where a word is shown it is 1 for that word and `other` for every other one; where a mask or a token
that is no word is shown, all words are as likely: 1.
"""
# B documents, T positions, N asked positions, V words.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.masking import Masking


@dataclass(frozen=True, eq=False)
class Evidence:
    """Likelihoods of words, up to a factor for each position."""

    shown_BT: Int[np.ndarray, "documents seq"]
    """The word that is shown; -1 for a mask, and for a token that is no word."""

    other_BT: Float[np.ndarray, "documents seq"]
    """Likelihood of each word that is not shown, from 0 to 1; 1 where no word is shown."""

    def of_words(self, num_words: int, position: int) -> Float[np.ndarray, "documents words"]:
        """(B, V) likelihoods of all words at one position."""
        likelihood_BV = np.repeat(self.other_BT[:, position, None], num_words, axis=1)
        shown_B = self.shown_BT[:, position]
        rows = np.flatnonzero(shown_B >= 0)
        likelihood_BV[rows, shown_B[rows]] = 1.0
        return likelihood_BV

    def rows(self, chosen: slice) -> Evidence:
        """The evidence of some of the documents."""
        return Evidence(self.shown_BT[chosen], self.other_BT[chosen])


def evidence_of(shown_BT: Int[np.ndarray, "documents seq"], masking: Masking) -> Evidence:
    """What is seen where a reader does not know whether a position was modified.

    Args:
        shown_BT: the word shown at each position, -1 for anything else.
        masking: the law of corruption, which the reader knows.
    """
    anything = masking.rate * masking.replaced_share / masking.vocab_size
    itself = 1.0 - masking.rate + masking.rate * _unchanged(masking)
    return Evidence(shown_BT, np.where(shown_BT >= 0, _ratio(anything, itself), 1.0))


def asked_evidence(
    shown_N: Int[np.ndarray, " asked"], num_words: int, masking: Masking
) -> Float[np.ndarray, "asked words"]:
    """(N, V) likelihoods at positions that the reader knows to be modified."""
    other = _ratio(masking.replaced_share / masking.vocab_size, _unchanged(masking))
    likelihood_NV = np.full((len(shown_N), num_words), other)
    likelihood_NV[shown_N < 0] = 1.0
    rows = np.flatnonzero(shown_N >= 0)
    likelihood_NV[rows, shown_N[rows]] = 1.0
    return likelihood_NV


def words_shown(
    ids_BT: Int[np.ndarray, "documents seq"], first_id: int, num_words: int
) -> Int[np.ndarray, "documents seq"]:
    """The words of token ids, word w having the id `first_id` + w; -1 for all other ids."""
    words_BT = ids_BT.astype(np.int64) - first_id
    is_word_BT: Bool[np.ndarray, "documents seq"] = (words_BT >= 0) & (words_BT < num_words)
    return np.where(is_word_BT, words_BT, -1)


def _unchanged(masking: Masking) -> float:
    # Rounding must not make a share of nothing negative.
    return max(1.0 - masking.masked_share - masking.replaced_share, 0.0)


def _ratio(anything: float, itself: float) -> float:
    """The likelihood of a word that is not shown, that of the shown one being 1."""
    return anything / (anything + itself) if anything + itself else 1.0
