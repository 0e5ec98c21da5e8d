"""Exact Bayes predictions of modified words, seen through BERT's corruption."""
# The vocabulary V is the words of the language.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hf_apt.data.planted.language import FloatArray, IntArray, PlantedLanguage
from hf_apt.data.planted.posteriors import exact_posteriors, masked_posteriors


@dataclass(frozen=True, eq=False)
class BayesPredictions:
    """Best possible predictions of the modified positions, in row-major order of `modified`."""

    token_ids: IntArray
    """(N,) token id of the largest posterior, the lowest id among equals."""
    probabilities: FloatArray
    """(N,) posterior probability of that token: its chance of being right."""
    confusion: FloatArray
    """(V, V) expected confusion counts: row true word, column predicted word.

    Sums over positions the posterior of each true word, so it has the expectation of the counts
    of the realised words with less variance.
    """
    label_posteriors: FloatArray
    """(B, C) probability of each document label given the corrupted document."""

    @property
    def expected_accuracy(self) -> float:
        """Expected share of right predictions over all modified positions."""
        return float(self.probabilities.mean())

    @property
    def expected_apt(self) -> FloatArray:
        """(V,) expected accuracy per word; NaN for words never expected."""
        counts = self.confusion.sum(axis=1)
        return np.divide(
            self.confusion.diagonal(), counts, out=np.full(counts.size, np.nan), where=counts > 0
        )

    @property
    def expected_mean_apt(self) -> float:
        """Unweighted mean of the expected accuracy per word: the ceiling of mean APT."""
        return float(np.nanmean(self.expected_apt))


def bayes_predictions(
    language: PlantedLanguage,
    observed: NDArray[np.integer],
    modified: NDArray[np.bool_],
    *,
    mask_id: int,
    vocab_size: int,
    word_ids: NDArray[np.integer],
    masking_rate: float = 0.15,
    masked_share: float = 0.8,
    replaced_share: float = 0.1,
) -> BayesPredictions:
    """Return the Bayes-optimal predictions of all modified positions.

    The reader knows the language and the corruption, and that the asked position was selected,
    but not which other positions were.

    Args:
        language: The language of the documents.
        observed: (B, T) token ids after corruption, word positions only.
        modified: (B, T) whether each position was selected, to be predicted.
        mask_id: Id of the mask token.
        vocab_size: Number of ids from which replacements are drawn uniformly.
        word_ids: (V,) token id of each word.
        masking_rate: Probability that a position is selected, independently of the others.
        masked_share: Share of selected positions that show the mask token.
        replaced_share: Share of selected positions that show a uniformly random id.

    Raises:
        ValueError: If `modified` has another shape than `observed`.
    """
    posteriors_NV, labels_BC = masked_posteriors(
        language,
        observed,
        modified,
        mask_id=mask_id,
        vocab_size=vocab_size,
        word_ids=word_ids,
        masking_rate=masking_rate,
        masked_share=masked_share,
        replaced_share=replaced_share,
    )
    return _summarise(posteriors_NV, labels_BC, np.asarray(word_ids, dtype=np.int64))


def exact_log_probabilities(language: PlantedLanguage, words: IntArray) -> FloatArray:
    """The log-probability of every word given all other words of its document, in nats.

    Their sum over a document is its exact pseudo-log-likelihood: no model of the language reaches
    more on average, by Gibbs' inequality. Source: ours.

    Args:
        language: The language of the documents.
        words: (B, T) numbers of the words, as `sample_documents` gives them.

    Returns:
        (B, T) log p(word | the other words), each at most 0.

    Raises:
        ValueError: For a document that the language cannot say, such as "the the".
    """
    with np.errstate(invalid="ignore"):  # of what cannot be said
        posteriors_NV = exact_posteriors(language, words, np.ones(words.shape, bool))
    of_words_N = np.take_along_axis(posteriors_NV, words.reshape(-1, 1), axis=1)[:, 0]
    with np.errstate(divide="ignore"):
        logs_BT = np.log(of_words_N).reshape(words.shape)
    impossible_B = ~np.isfinite(logs_BT).all(axis=1)
    if impossible_B.any():
        raise ValueError(
            f"document {int(impossible_B.argmax())} is no text of the planted language: take "
            "documents of sample_documents."
        )
    return logs_BT


def _summarise(
    posteriors_NV: FloatArray, labels_BC: FloatArray, word_ids: IntArray
) -> BayesPredictions:
    """Return the predictions of given posteriors."""
    # Columns in the order of ids, because argmax takes the first among equals.
    by_id = np.argsort(word_ids)
    best = by_id[np.argmax(posteriors_NV[:, by_id], axis=1)]
    confusion = np.zeros((word_ids.size, word_ids.size))
    np.add.at(confusion.T, best, posteriors_NV)
    probabilities = np.take_along_axis(posteriors_NV, best[:, None], axis=1)[:, 0]
    return BayesPredictions(word_ids[best], probabilities, confusion, labels_BC)
