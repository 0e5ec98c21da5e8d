"""Hidden states of a planted language in one flat order, and the step between words.

The state of a word is (topic, frame, latent, slot); the slot runs fastest, so a word inside a
sentence moves its state by one, and only the ends of sentences branch.
"""
# U topics, L latents, F frames, Y hidden states; the vocabulary V is the words of the language.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hf_apt.data.planted.language import FloatArray, IntArray, PlantedLanguage


@dataclass(frozen=True, eq=False)
class HiddenStates:
    """Flat hidden states of a language."""

    topics: IntArray
    """(Y,) topic of each state."""
    kinds: IntArray
    """(Y,) slot kind of each state."""
    latents: IntArray
    """(Y,) sentence latent of each state."""
    starts: IntArray
    """(U, F, L) state of the first slot."""
    ends: IntArray
    """(U, F, L) state of the last slot."""
    first: FloatArray
    """(Y,) probability of each state at the first word of a document."""

    @property
    def num_states(self) -> int:
        """Number of states."""
        return int(self.kinds.size)


def hidden_states(language: PlantedLanguage) -> HiddenStates:
    """Return the flat hidden states of a language."""
    shape = (language.num_topics, len(language.frames), language.num_latents)
    length_UFL = np.broadcast_to(
        np.array([len(frame) for frame in language.frames])[None, :, None], shape
    )
    ends = np.cumsum(length_UFL).reshape(shape) - 1
    starts = ends - length_UFL + 1
    topic_UFL, frame_UFL, latent_UFL = np.indices(shape)
    lengths = length_UFL.ravel()
    first = np.zeros(int(lengths.sum()))
    first[starts] = (
        language.topic_probs[:, None, None] * language.frame_start[:, None] * language.latent_start
    )
    kinds = np.concatenate(
        [np.asarray(language.frames[frame], dtype=np.int64) for frame in frame_UFL.ravel()]
    )
    return HiddenStates(
        topics=np.repeat(topic_UFL.ravel(), lengths),
        kinds=kinds,
        latents=np.repeat(latent_UFL.ravel(), lengths),
        starts=starts,
        ends=ends,
        first=first,
    )


def emissions(language: PlantedLanguage, states: HiddenStates) -> FloatArray:
    """Return (Y, V) probability of each word in each state."""
    return language.kind_words[states.kinds, states.topics, states.latents]


def step_forward(
    language: PlantedLanguage, states: HiddenStates, weights_BY: NDArray[np.float64]
) -> FloatArray:
    """Return (B, Y) weights of the next word's states given those of the present word."""
    next_BY = np.empty_like(weights_BY)
    next_BY[:, 1:] = weights_BY[:, :-1]
    # (B, U, F, L): contract the latent first, then the frame.
    ended = weights_BY[:, states.ends] @ language.latent_steps
    next_BY[:, states.starts] = language.frame_steps.T @ ended
    return next_BY


def step_backward(
    language: PlantedLanguage, states: HiddenStates, weights_BY: NDArray[np.float64]
) -> FloatArray:
    """Return (B, Y) expectation over the next word's states of their given weights."""
    before_BY = np.empty_like(weights_BY)
    before_BY[:, :-1] = weights_BY[:, 1:]
    begun = weights_BY[:, states.starts] @ language.latent_steps.T
    before_BY[:, states.ends] = language.frame_steps @ begun
    return before_BY


def expected_word_frequencies(language: PlantedLanguage, num_words: int) -> FloatArray:
    """Return (V,) exact expected share of each word in documents of `num_words` words."""
    states = hidden_states(language)
    weights_BY = states.first[None, :]
    total_Y = np.zeros(states.num_states)
    for _ in range(num_words):
        total_Y += weights_BY[0]
        weights_BY = step_forward(language, states, weights_BY)
    return total_Y @ emissions(language, states) / num_words
