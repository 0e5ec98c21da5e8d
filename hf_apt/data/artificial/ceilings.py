"""The exact ceiling of each word and treatment: how often the best predictor is expected right.

Where a mask stands, every word is the true one with its posterior probability. Where a word stands,
it was left unchanged or put there by replacement, and the posterior says how likely each is. Sums
over the asked positions of a text are expected counts: those of realised words vary about them.
Source: ours.
"""
# B documents, T positions, N asked positions, R treatments, V words.

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.evidence import words_shown
from hf_apt.data.artificial.exact_answers import exact_answers
from hf_apt.data.masking import Masking
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches
from hf_apt.data.tokenizer import SPECIAL_TOKENS
from hf_apt.data.tokens import Tokens
from hf_apt.stats.counts import TREATMENTS

_MASKED, _REPLACED, _UNCHANGED = (TREATMENTS.index(name) for name in TREATMENTS)


@dataclass(frozen=True, eq=False)
class ExpectedCounts:
    """Expected counts of the exact best predictor; those of several texts add up."""

    asked_RV: Float[np.ndarray, "treatments words"]
    """(3, V) how often each true word is expected, in the order of `TREATMENTS`."""

    right_RV: Float[np.ndarray, "treatments words"]
    """(3, V) how often it is expected, and answered."""

    def __add__(self, other: ExpectedCounts) -> ExpectedCounts:
        return ExpectedCounts(self.asked_RV + other.asked_RV, self.right_RV + other.right_RV)

    @property
    def accuracy_RV(self) -> Float[np.ndarray, "treatments words"]:
        """(3, V) the ceiling of each word in [0, 1]; NaN for words that are never expected."""
        return _share(self.right_RV, self.asked_RV)

    @property
    def accuracy_V(self) -> Float[np.ndarray, " words"]:
        """(V,) the ceiling of each word over all treatments; NaN for words never expected."""
        return _share(self.right_RV.sum(axis=0), self.asked_RV.sum(axis=0))

    def mean_apt(self, least: float = 1.0) -> float:
        """The mean of the ceilings of words that are expected `least` times or more, in [0, 1].

        Of a word that is expected far less than once, the contexts in which it is the best answer
        are hardly in the text: its ratio says little of it, and most often 0.
        """
        return float(self.accuracy_V[self.asked_RV.sum(axis=0) >= least].mean())

    @property
    def accuracy(self) -> float:
        """The expected share of right answers over all positions, in [0, 1]."""
        return float(self.right_RV.sum() / self.asked_RV.sum())


def expected_counts(
    language: ArtificialLanguage,
    shown_BT: Int[np.ndarray, "documents seq"],
    asked_BT: Bool[np.ndarray, "documents seq"],
    masking: Masking,
    masked_BT: Bool[np.ndarray, "documents seq"],
) -> ExpectedCounts:
    """The expected counts over the asked positions of corrupted documents.

    Args:
        language: the language of the documents.
        shown_BT: the word shown at each position, -1 for a mask or a token that is no word.
        asked_BT: the positions that are asked.
        masking: the law of corruption, which the reader knows.
        masked_BT: where a mask stands, among those that show no word.

    Returns:
        The counts; `asked_RV` sums to the number of asked positions.

    Raises:
        NotImplementedError: where the language has no exact answer.
    """
    num_words = language.num_words
    asked_RV, right_RV = np.zeros((2, len(TREATMENTS), num_words))
    answers = exact_answers(language, shown_BT, asked_BT, masking)
    probs_NV, best_N = answers.probabilities_NV, answers.best_N
    shown_N, masked_N = shown_BT[asked_BT], masked_BT[asked_BT]
    rows_N = np.arange(len(best_N))
    for treatment, chosen_N in ((_MASKED, masked_N), (_REPLACED, ~masked_N & (shown_N < 0))):
        asked_RV[treatment] += probs_NV[chosen_N].sum(axis=0)
        best = best_N[chosen_N]
        np.add.at(right_RV[treatment], best, probs_NV[rows_N[chosen_N], best])
    seen_N = np.flatnonzero(shown_N >= 0)
    shown, best = shown_N[seen_N], best_N[seen_N]
    at_random = masking.replaced_share / masking.vocab_size
    itself = max(1.0 - masking.masked_share - masking.replaced_share, 0.0)
    # Of the chance that the shown word is the true one, the part that nothing was replaced.
    kept = probs_NV[seen_N, shown] * itself / (itself + at_random) if seen_N.size else shown * 0.0
    np.add.at(asked_RV[_UNCHANGED], shown, kept)
    np.add.at(right_RV[_UNCHANGED], shown, kept * (best == shown))
    asked_RV[_REPLACED] += probs_NV[seen_N].sum(axis=0)
    np.subtract.at(asked_RV[_REPLACED], shown, kept)
    right = probs_NV[seen_N, best] - kept * (best == shown)
    np.add.at(right_RV[_REPLACED], best, right)
    return ExpectedCounts(asked_RV, right_RV)


def text_ceiling(corpus: ArtificialCorpus, tokens: Tokens, config: MeasureConfig) -> ExpectedCounts:
    """The expected counts at the positions that `measure` asks about in a text.

    Args:
        corpus: the language's corpus.
        tokens: documents of it, one a sequence, by its tokenizer.
        config: which sequences and masks are used.

    Returns:
        Counts by the numbers of words; word w has the token id w + 5.
    """
    language, first = corpus.language, len(SPECIAL_TOKENS)
    total = ExpectedCounts(*np.zeros((2, len(TREATMENTS), language.num_words)))
    batches = MaskedBatches(tokens, config)
    for _, batch in batches.part():
        ids_BT, asked_BT = batch.input_ids_BT[:, 1:-1], batch.modified_BT[:, 1:-1]
        shown_BT = words_shown(ids_BT, first, language.num_words)
        masked_BT = ids_BT == batches.masking.mask_id
        total += expected_counts(language, shown_BT, asked_BT, batches.masking, masked_BT)
    return total


def shipped_ceiling(name: str = "planted-8192") -> ExpectedCounts:
    """The ceiling of a benchmark, as `examples/planted_ceiling.py` made it.

    Expected counts over the 4,000 held-out documents of 48 words, masked once as `hf-apt measure`
    masks them unless told.

    Raises:
        ValueError: for a name of which there is no file.
    """
    path = Path(__file__).parent / "benchmarks" / f"{name}.npz"
    if not path.exists():
        there_are = ", ".join(sorted(each.stem for each in path.parent.glob("*.npz")))
        raise ValueError(f"no ceiling of {name!r} comes in the package: there is {there_are}.")
    with np.load(path) as arrays:
        return ExpectedCounts(arrays["asked_RV"].astype(float), arrays["right_RV"].astype(float))


def _share(
    right: Float[np.ndarray, "*shape"], asked: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    return np.divide(right, asked, out=np.full(asked.shape, np.nan), where=asked > 0)
