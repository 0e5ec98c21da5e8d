"""Documents sampled from a planted language, and their text."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hf_apt.data.planted.language import FloatArray, IntArray, PlantedLanguage
from hf_apt.data.planted.states import HiddenStates, hidden_states

_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class PlantedDocuments:
    """Sampled documents with their labels."""

    words: IntArray
    """(B, T) word indices; every document begins a sentence and is cut after T words."""
    labels: IntArray
    """(B,) document labels."""
    topics: IntArray
    """(B,) hidden topics, for checks: no reader sees them."""


def sample_documents(
    language: PlantedLanguage, num_documents: int, num_words: int, seed: int, start: int = 0
) -> PlantedDocuments:
    """Return documents ``start`` to ``start + num_documents - 1`` of a seed.

    Document ``k`` depends on the language, the seed and ``k`` alone, and a shorter one is the
    beginning of a longer one.
    """
    states = hidden_states(language)
    parts = []
    for begin in range(start, start + num_documents, _CHUNK):
        indices = range(begin, min(begin + _CHUNK, start + num_documents))
        parts.append(_sample_chunk(language, states, _uniforms(indices, num_words, seed)))
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return PlantedDocuments(np.zeros((0, num_words), dtype=np.int64), none, none)
    words, labels, topics = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return PlantedDocuments(words=words, labels=labels, topics=topics)


def document_text(language: PlantedLanguage, row: Iterable[int]) -> str:
    """Return the English-looking text of one document's word indices.

    Sentences begin with a capital and punctuation follows its word without a space. Lower-casing
    and splitting at spaces and punctuation therefore gives the words back.
    """
    pieces: list[str] = []
    at_start = True
    for index in row:
        word = language.words[int(index)]
        if word.isalpha():
            pieces.append(" " if pieces else "")
        pieces.append(word.capitalize() if at_start else word)
        at_start = word == "."
    return "".join(pieces)


def _uniforms(indices: range, num_words: int, seed: int) -> FloatArray:
    """Return (B, T + 1, 3) uniform numbers; row 0 is for the document, row t + 1 for word t."""
    draws = np.empty((len(indices), num_words + 1, 3))
    for row, index in enumerate(indices):
        np.random.default_rng((seed, index)).random(out=draws[row])
    return draws


def _sample_chunk(
    language: PlantedLanguage, states: HiddenStates, draws: FloatArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Return (B, T) words, (B,) labels and (B,) topics for (B, T + 1, 3) uniform numbers."""
    num_documents, num_words = draws.shape[0], draws.shape[1] - 1
    topic_B = _pick(
        np.broadcast_to(language.topic_probs, (num_documents, language.num_topics)), draws[:, 0, 0]
    )
    label_B = _pick(language.label_probs[topic_B], draws[:, 0, 1])
    frame_probs = np.broadcast_to(language.frame_start, (num_documents, len(language.frames)))
    latent_probs = np.broadcast_to(language.latent_start, (num_documents, language.num_latents))
    ended_B = np.ones(num_documents, dtype=bool)
    frame_B = latent_B = state_B = np.zeros(num_documents, dtype=np.int64)
    words_BT = np.empty((num_documents, num_words), dtype=np.int64)
    for position in range(num_words):
        draw_B3 = draws[:, position + 1]
        frame_B = np.where(ended_B, _pick(frame_probs, draw_B3[:, 1]), frame_B)
        latent_B = np.where(ended_B, _pick(latent_probs, draw_B3[:, 2]), latent_B)
        begun_B = states.starts[topic_B, frame_B, latent_B]
        state_B = np.where(ended_B, begun_B, state_B + 1)
        word_probs = language.kind_words[states.kinds[state_B], topic_B, latent_B]
        words_BT[:, position] = _pick(word_probs, draw_B3[:, 0])
        ended_B = state_B == states.ends[topic_B, frame_B, latent_B]
        frame_probs = language.frame_steps[frame_B]
        latent_probs = language.latent_steps[latent_B]
    return words_BT, label_B, topic_B


def _pick(probs: FloatArray, draws: FloatArray) -> IntArray:
    """Return (B,) indices drawn from (B, choices) probabilities by (B,) uniform numbers."""
    totals = np.cumsum(probs, axis=1)
    # Scaling by the last total keeps a draw near 1 from passing a sum that rounds below 1.
    picked: IntArray = (totals <= draws[:, None] * totals[:, -1:]).sum(axis=1)
    return picked
