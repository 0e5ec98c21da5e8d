"""Exact posteriors of the words of planted documents, seen through BERT's corruption."""
# U topics, Y hidden states; the vocabulary V is the words of the language.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hf_apt.data.planted.language import FloatArray, IntArray, PlantedLanguage
from hf_apt.data.planted.states import (
    HiddenStates,
    emissions,
    hidden_states,
    step_backward,
    step_forward,
)

_BYTES_PER_BATCH = 150_000_000


@dataclass(frozen=True, eq=False)
class _Channel:
    """What an observed token says about the true word."""

    evidence: FloatArray
    """(V + 2, Y) probability of an observation given the state, selected or not.

    Row v < V: the token of word v is seen; row V: the mask token; row V + 1: any other token.
    """
    selected_same: float
    """Extra probability of seeing the word itself at a selected position."""
    selected_any: float
    """Probability of seeing one given token at a selected position by replacement."""
    emissions: FloatArray
    """(Y, V) probability of each word in each state."""


def masked_posteriors(
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
) -> tuple[FloatArray, FloatArray]:
    """The exact distributions of the words at all modified positions.

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

    Returns:
        (N, V) probabilities of the words, positions in row-major order of `modified`, and (B, C) of
        the documents' labels.

    Raises:
        ValueError: If `modified` has another shape than `observed`.
    """
    if observed.shape != modified.shape:
        raise ValueError(f"shapes differ: {observed.shape} and {modified.shape}")
    states = hidden_states(language)
    unchanged_share = 1.0 - masked_share - replaced_share
    channel = _channel(
        emissions(language, states),
        same=1.0 - masking_rate + masking_rate * unchanged_share,
        mask=masking_rate * masked_share,
        anything=masking_rate * replaced_share / vocab_size,
        selected_same=unchanged_share,
        selected_any=replaced_share / vocab_size,
    )
    symbols_BT = _symbols(observed, np.asarray(word_ids), mask_id, vocab_size)
    num_documents, num_words = observed.shape
    batch = max(1, _BYTES_PER_BATCH // (8 * max(1, num_words) * states.num_states))
    posteriors, labels = [], []
    for begin in range(0, num_documents, batch):
        rows = slice(begin, begin + batch)
        words_NV, topics_BU = _smooth(language, states, channel, symbols_BT[rows], modified[rows])
        posteriors.append(words_NV)
        labels.append(topics_BU @ language.label_probs)
    return (
        np.concatenate(posteriors) if posteriors else np.zeros((0, language.num_words)),
        np.concatenate(labels) if labels else np.zeros((0, language.num_labels)),
    )


def exact_posteriors(
    language: PlantedLanguage, words: IntArray, asked: NDArray[np.bool_]
) -> FloatArray:
    """The probability of every word at asked positions given all other words of the document.

    No other position is hidden: it is the answer to a document in which one word is masked. Source:
    ours.

    Args:
        language: The language of the documents.
        words: (B, T) numbers of the words, as `sample_documents` gives them.
        asked: (B, T) the positions that are asked for, each by itself.

    Returns:
        (N, V) probabilities, asked positions in row-major order.
    """
    states = hidden_states(language)
    # All other words are seen as they are, and a word shows nothing of itself.
    seen = _channel(
        emissions(language, states),
        same=1.0,
        mask=0.0,
        anything=0.0,
        selected_same=0.0,
        selected_any=1.0,
    )
    posteriors_NV, _ = _smooth(language, states, seen, words, asked)
    return posteriors_NV


def _channel(
    emissions_YV: FloatArray,
    *,
    same: float,
    mask: float,
    anything: float,
    selected_same: float,
    selected_any: float,
) -> _Channel:
    """Return the channel of a corruption for given emission probabilities."""
    num_states, num_words = emissions_YV.shape
    evidence = np.full((num_words + 2, num_states), anything)
    evidence[:num_words] += same * emissions_YV.T
    evidence[num_words] += mask
    return _Channel(evidence, selected_same, selected_any, emissions_YV)


def _symbols(
    observed: NDArray[np.integer], word_ids: NDArray[np.integer], mask_id: int, vocab_size: int
) -> IntArray:
    """Return (B, T) rows of the evidence table for observed token ids."""
    symbol_of = np.full(vocab_size, word_ids.size + 1, dtype=np.int64)
    symbol_of[word_ids] = np.arange(word_ids.size)
    symbol_of[mask_id] = word_ids.size
    return symbol_of[observed]


def _smooth(
    language: PlantedLanguage,
    states: HiddenStates,
    channel: _Channel,
    symbols_BT: IntArray,
    modified_BT: NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """Return (N, V) word posteriors of the modified positions and (B, U) topic posteriors."""
    num_documents, num_words = symbols_BT.shape
    predicted = np.empty((num_words, num_documents, states.num_states))
    weights_BY = np.repeat(states.first[None, :], num_documents, axis=0)
    for position in range(num_words):
        predicted[position] = weights_BY
        weights_BY = weights_BY * channel.evidence[symbols_BT[:, position]]
        weights_BY /= weights_BY.sum(axis=1, keepdims=True)
        if position + 1 < num_words:
            weights_BY = step_forward(language, states, weights_BY)
    topics_BU = np.stack(
        [weights_BY[:, states.topics == topic].sum(axis=1) for topic in range(language.num_topics)],
        axis=1,
    )
    posterior_BTV = np.zeros((num_documents, num_words, language.num_words))
    future_BY = np.ones((num_documents, states.num_states))
    for position in reversed(range(num_words)):
        modified_B = modified_BT[:, position]
        prior = (predicted[position, modified_B] * future_BY[modified_B]) @ channel.emissions
        posterior_BTV[modified_B, position] = prior
        future_BY = future_BY * channel.evidence[symbols_BT[:, position]]
        future_BY /= future_BY.max(axis=1, keepdims=True)
        future_BY = step_backward(language, states, future_BY)
    return _see_selected(posterior_BTV[modified_BT], symbols_BT[modified_BT], channel), topics_BU


def _see_selected(prior_NV: FloatArray, symbols_N: IntArray, channel: _Channel) -> FloatArray:
    """Return (N, V) posteriors after what the selected positions themselves show."""
    num_words = prior_NV.shape[1]
    shown = symbols_N < num_words
    likelihood = np.full_like(prior_NV, channel.selected_any)
    # A mask or a foreign token has the same likelihood under every word: any constant will do.
    likelihood[~shown] = 1.0
    likelihood[shown, symbols_N[shown]] += channel.selected_same
    posterior = prior_NV * likelihood
    return posterior / posterior.sum(axis=1, keepdims=True)
