"""Hidden states of a planted language in one flat order, and the step between words.

Array suffixes: N rows, K topics, F frames, L latents, S states, V words. The state of a word is
(topic, frame, latent, slot); the slot runs fastest, so a word inside a sentence moves its state
by one, and only the ends of sentences branch.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hf_apt.data.planted.language import FloatArray, IntArray, PlantedLanguage


@dataclass(frozen=True, eq=False)
class HiddenStates:
    """Flat hidden states of a language."""

    topics: IntArray
    """(S,) topic of each state."""
    kinds: IntArray
    """(S,) slot kind of each state."""
    latents: IntArray
    """(S,) sentence latent of each state."""
    starts: IntArray
    """(K, F, L) state of the first slot."""
    ends: IntArray
    """(K, F, L) state of the last slot."""
    first: FloatArray
    """(S,) probability of each state at the first word of a document."""

    @property
    def num_states(self) -> int:
        """Number of states S."""
        return int(self.kinds.size)


def hidden_states(language: PlantedLanguage) -> HiddenStates:
    """Return the flat hidden states of a language."""
    shape = (language.num_topics, len(language.frames), language.num_latents)
    length_KFL = np.broadcast_to(
        np.array([len(frame) for frame in language.frames])[None, :, None], shape
    )
    ends = np.cumsum(length_KFL).reshape(shape) - 1
    starts = ends - length_KFL + 1
    topic_KFL, frame_KFL, latent_KFL = np.indices(shape)
    lengths = length_KFL.ravel()
    first = np.zeros(int(lengths.sum()))
    first[starts] = (
        language.topic_probs[:, None, None] * language.frame_start[:, None] * language.latent_start
    )
    kinds = np.concatenate(
        [np.asarray(language.frames[frame], dtype=np.int64) for frame in frame_KFL.ravel()]
    )
    return HiddenStates(
        topics=np.repeat(topic_KFL.ravel(), lengths),
        kinds=kinds,
        latents=np.repeat(latent_KFL.ravel(), lengths),
        starts=starts,
        ends=ends,
        first=first,
    )


def emissions(language: PlantedLanguage, states: HiddenStates) -> FloatArray:
    """Return (S, V) probability of each word in each state."""
    return language.kind_words[states.kinds, states.topics, states.latents]


def step_forward(
    language: PlantedLanguage, states: HiddenStates, weights_NS: NDArray[np.float64]
) -> FloatArray:
    """Return (N, S) weights of the next word's states given those of the present word."""
    next_NS = np.empty_like(weights_NS)
    next_NS[:, 1:] = weights_NS[:, :-1]
    # (N, K, F, L): contract the latent first, then the frame.
    ended = weights_NS[:, states.ends] @ language.latent_steps
    next_NS[:, states.starts] = language.frame_steps.T @ ended
    return next_NS


def step_backward(
    language: PlantedLanguage, states: HiddenStates, weights_NS: NDArray[np.float64]
) -> FloatArray:
    """Return (N, S) expectation over the next word's states of their given weights."""
    before_NS = np.empty_like(weights_NS)
    before_NS[:, :-1] = weights_NS[:, 1:]
    begun = weights_NS[:, states.starts] @ language.latent_steps.T
    before_NS[:, states.ends] = language.frame_steps @ begun
    return before_NS


def expected_word_frequencies(language: PlantedLanguage, num_words: int) -> FloatArray:
    """Return (V,) exact expected share of each word in documents of `num_words` words."""
    states = hidden_states(language)
    weights_NS = states.first[None, :]
    total_S = np.zeros(states.num_states)
    for _ in range(num_words):
        total_S += weights_NS[0]
        weights_NS = step_forward(language, states, weights_NS)
    return total_S @ emissions(language, states) / num_words
