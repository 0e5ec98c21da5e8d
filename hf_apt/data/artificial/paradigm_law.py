"""The grammar of a language of many paradigms, kept as what differs: no table of states and words.

A document draws one topic and keeps it. Its sentences draw a frame, given the frame before, and a
latent, given the topic; a context is a topic and a latent. A slot of a frame has a kind, a set of
words: it takes the word that its kind prefers in the context with the probability `preference`, and
otherwise any of the kind's words by `rest_V`.
"""
# U topics, L latents, C = U L contexts, F frames, K kinds, S slots of all frames, V words.

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, eq=False)
class ParadigmLaw:
    """Frames, contexts and the words of every kind; words of a kind have neighbouring numbers."""

    frames: tuple[tuple[int, ...], ...]
    """Frames, each the kinds of its slots."""

    frame_start_F: Float[np.ndarray, " frames"]
    """Probability of the first frame of a document."""

    frame_steps_FF: Float[np.ndarray, "frames next"]
    """Probability of the next frame given the present one."""

    context_probs_UL: Float[np.ndarray, "topics latents"]
    """Probability of each context; that of a latent given the topic is a row divided by its sum."""

    kind_V: Int[np.ndarray, " words"]
    """Kind of each word, ascending."""

    rest_V: Float[np.ndarray, " words"]
    """Probability of each word in its kind where the preferred one is not taken."""

    preferred_KC: Int[np.ndarray, "kinds contexts"]
    """The word that each kind prefers in each context."""

    preference: float
    """Probability that the preferred word is taken."""

    @property
    def num_words(self) -> int:
        """Number of words V."""
        return len(self.kind_V)

    @cached_property
    def topic_probs_U(self) -> Float[np.ndarray, " topics"]:
        """Probability of each topic."""
        return self.context_probs_UL.sum(axis=1)

    @cached_property
    def latent_probs_UL(self) -> Float[np.ndarray, "topics latents"]:
        """Probability of each latent given the topic."""
        return self.context_probs_UL / self.topic_probs_U[:, None]

    @cached_property
    def kind_S(self) -> Int[np.ndarray, " slots"]:
        """Kind of each slot, the frames one after the other."""
        return np.concatenate([np.asarray(frame, np.int64) for frame in self.frames])

    @cached_property
    def ends_F(self) -> Int[np.ndarray, " frames"]:
        """Last slot of each frame."""
        return np.cumsum([len(frame) for frame in self.frames]) - 1

    @cached_property
    def starts_F(self) -> Int[np.ndarray, " frames"]:
        """First slot of each frame."""
        return np.concatenate([[0], self.ends_F[:-1] + 1])

    @cached_property
    def bounds_K(self) -> Int[np.ndarray, " kinds"]:
        """First word of each kind."""
        return np.searchsorted(self.kind_V, np.arange(len(self.preferred_KC)))

    def slot_shares(self, length: int) -> Float[np.ndarray, " slots"]:
        """(S,) exact expected share of each slot in documents of `length` words."""
        weights_S = np.zeros(len(self.kind_S))
        weights_S[self.starts_F] = self.frame_start_F
        total_S = np.zeros_like(weights_S)
        for _ in range(length):
            total_S += weights_S
            next_S = np.concatenate([[0.0], weights_S[:-1]])
            next_S[self.starts_F] = weights_S[self.ends_F] @ self.frame_steps_FF
            weights_S = next_S
        return total_S / length

    def word_shares(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) exact expected share of each word in documents of `length` words."""
        kinds_K = np.bincount(self.kind_S, self.slot_shares(length), len(self.preferred_KC))
        preferred_V = np.zeros(self.num_words)
        for words_C in self.preferred_KC:
            np.add.at(preferred_V, words_C, self.context_probs_UL.reshape(-1))
        word_V = self.preference * preferred_V + (1.0 - self.preference) * self.rest_V
        return kinds_K[self.kind_V] * word_V
