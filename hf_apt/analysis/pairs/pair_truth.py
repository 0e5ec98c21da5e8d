"""The exact law of pairs of words of a language of which everything is known.

A law is a table of V squared numbers: it is made pair by pair, and a few figures are kept.
"""
# A, B: chosen tokens of either position. V: words, or token ids where `first_id` is added.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hf_apt.analysis.pairs.pair_places import PairPlace
from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.evidence import Evidence
from hf_apt.data.planted.language import PlantedLanguage
from hf_apt.data.planted.pair_posteriors import exact_pair_posteriors
from hf_apt.data.tokenizer import SPECIAL_TOKENS
from hf_apt.stats.pairs.pair_gap import mutual_information

KnownLanguage = PlantedLanguage | ArtificialLanguage
"""A language that says how probable every pair of its words is."""

MOST_WORDS = 2000
"""Words of the largest language whose laws of pairs are made: 32 MB each, and several at work."""


@dataclass(frozen=True)
class PairTruth:
    """The exact law of two hidden words given all others."""

    joint_VV: Float[np.ndarray, "vocab vocab"]
    """The law over pairs of token ids; special tokens have none."""

    true: tuple[int, int]
    """The token ids that are there."""

    @property
    def gap(self) -> float:
        """The mutual information of the two words in nats."""
        return mutual_information(self.joint_VV)

    @property
    def gain(self) -> float:
        """Log p(true pair) - log of the product of the marginals, in nats."""
        first, second = self.true
        product = self.joint_VV[first].sum() * self.joint_VV[:, second].sum()
        return float(np.log(self.joint_VV[self.true] / product))

    def restricted(
        self, first_A: Int[np.ndarray, " first"], second_B: Int[np.ndarray, " second"]
    ) -> Float[np.ndarray, "first second"]:
        """Logarithms of the law over chosen tokens, the true ones among them; it adds up to 1."""
        part_AB = self.joint_VV[np.ix_(first_A, second_B)]
        with np.errstate(divide="ignore"):
            return np.log(part_AB / part_AB.sum())


def require_known(language: KnownLanguage, rows: Sequence[Sequence[int]]) -> None:
    """Raise ValueError unless texts are of a language whose laws of pairs can be made.

    Args:
        language: the language.
        rows: the token ids of each text, one document between [CLS] and [SEP].

    Raises:
        ValueError: for more words than `MOST_WORDS`, and for a text with a token that is no word of
            the language.
    """
    num_words = language.num_words
    if num_words > MOST_WORDS:
        raise ValueError(
            f"the language has {num_words:,} words, and the exact law of a pair is made for "
            f"{MOST_WORDS:,} at most: read its texts without the language."
        )
    for number, row in enumerate(rows, 1):
        words_T = np.array(row[1:-1]) - len(SPECIAL_TOKENS)
        if not ((words_T >= 0) & (words_T < num_words)).all():
            raise ValueError(
                f"text {number} has tokens that are no words of the language: give its own "
                "documents, and its own tokenizer."
            )


def known_truth(language: KnownLanguage, ids: Sequence[int], place: PairPlace) -> PairTruth:
    """The exact law of a pair.

    Memory: several tables of V squared numbers in float64.

    Args:
        language: the language.
        ids: the token ids of the text, one whole document between [CLS] and [SEP].
        place: the pair.

    Returns:
        Its law.

    Raises:
        ValueError: for a text that is no whole document of the language.
        NotImplementedError: where the language has no exact answer.
    """
    first_id = len(SPECIAL_TOKENS)
    words_T = np.array(ids[1:-1]) - first_id
    first, second = place.first - 1, place.second - 1
    joint_VV = np.zeros((first_id + language.num_words,) * 2)
    joint_VV[first_id:, first_id:] = (
        artificial_pair(language, words_T, first, second)
        if isinstance(language, ArtificialLanguage)
        else exact_pair_posteriors(language, words_T[None], np.array([first]), np.array([second]))[
            0
        ]
    )
    true = int(ids[place.first]), int(ids[place.second])
    if not joint_VV[true] > 0:
        raise ValueError(
            f"text {place.text + 1} is no whole document of the language, which cannot say its "
            f"words {first + 1} and {second + 1}: give documents as they were drawn, uncut."
        )
    return PairTruth(joint_VV, true)


def artificial_pair(
    language: ArtificialLanguage, words_T: Int[np.ndarray, " seq"], first: int, second: int
) -> Float[np.ndarray, "first second"]:
    """The probability of every pair of words at two positions given all other words.

    By the chain rule: the exact answer to the first, and that to the second with each word that the
    first can be.

    Args:
        language: the language.
        words_T: a document's words.
        first: a position.
        second: another one.

    Returns:
        (V, V) joint probabilities, a row for each word at the first position.

    Raises:
        ValueError: where they do not add up to 1, as for words that are no document.
        NotImplementedError: where the language has no exact answer.
    """
    hidden_T = words_T.copy()
    hidden_T[[first, second]] = -1
    (first_V,) = _answers(language, hidden_T[None], first)
    possible = np.flatnonzero(first_V > 0)
    shown_BT = np.repeat(hidden_T[None], len(possible), axis=0)
    shown_BT[:, first] = possible
    joint_VV = np.zeros((language.num_words,) * 2)
    joint_VV[possible] = first_V[possible, None] * _answers(language, shown_BT, second)
    if not abs(joint_VV.sum() - 1) < 1e-6:
        raise ValueError(
            f"the exact law of words {first + 1} and {second + 1} adds up to {joint_VV.sum():.3g}, "
            "not 1: they are of no whole document of the language."
        )
    return joint_VV


def _answers(language: ArtificialLanguage, shown_BT: np.ndarray, position: int) -> np.ndarray:
    """(B, V) exact answers at one position; words are shown as they are, -1 hides one."""
    asked_BT = np.zeros(shown_BT.shape, bool)
    asked_BT[:, position] = True
    with np.errstate(invalid="ignore"):  # of what is no document: its NaN are told above
        return language.posteriors(Evidence(shown_BT, np.where(shown_BT < 0, 1.0, 0.0)), asked_BT)
