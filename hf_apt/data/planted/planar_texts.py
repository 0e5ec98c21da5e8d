"""Texts of topics whose nodes lie in a plane: a graph that says more of a text than its words do.

The plane of McDermott et al. 2023 (arXiv 2103.10334) with known answers: what is best by the words
alone, and what is best by the neighbours. Ours, from the idea.
"""
# N texts, K topics, V words.

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.graphs.builders import distances, radius_graph
from hf_apt.stats.graphs.graph import Graph


@dataclass(frozen=True, kw_only=True)
class PlanarTexts:
    """Texts at places in the unit square; nearer ones are linked, and topics are regions of it.

    A word is one of its topic's own with probability `topic_share`, and any word otherwise. Topics
    are the regions nearest to points drawn with `seed`; places and words are drawn with
    `seed` and `draw`, so that another draw has other texts of the same topics.
    """

    num_texts: int = 300
    """How many texts."""

    radius: float = 0.1
    """Texts nearer than this are linked."""

    num_topics: int = 8
    """How many topics."""

    words_per_topic: int = 8
    """Words that each topic has of its own; there are no others."""

    num_words: int = 12
    """Words in a text."""

    topic_share: float = 0.2
    """Probability that a word is one of its topic's own on purpose."""

    seed: int = 0
    """Seed of the topics, places and words."""

    draw: int = 0
    """Another number, other texts."""

    @property
    def words(self) -> list[str]:
        """All words: those of the first topic, of the second, and so on."""
        return [f"w{number}" for number in range(self.num_topics * self.words_per_topic)]

    @cached_property
    def places(self) -> Float[np.ndarray, "n 2"]:
        """Where each text lies in the unit square."""
        return np.random.default_rng([self.seed, 1, self.draw]).random((self.num_texts, 2))

    @cached_property
    def topics(self) -> Int[np.ndarray, " n"]:
        """The topic of each text, from 0."""
        return self._topics_at(self.places)

    @cached_property
    def graph(self) -> Graph:
        """Which texts are linked."""
        return radius_graph(self.places, self.radius)

    @cached_property
    def word_numbers(self) -> Int[np.ndarray, "n words"]:
        """The words of each text by their numbers in `words`."""
        generator = np.random.default_rng([self.seed, 2, self.draw])
        shape = (self.num_texts, self.num_words)
        own = self.topics[:, None] * self.words_per_topic + generator.integers(
            0, self.words_per_topic, shape
        )
        any_word = generator.integers(0, len(self.words), shape)
        return np.where(generator.random(shape) < self.topic_share, own, any_word)

    @property
    def texts(self) -> list[str]:
        """The texts, their words with blanks between."""
        words = self.words
        return [" ".join(words[word] for word in row) for row in self.word_numbers.tolist()]

    def best_by_words(self) -> Int[np.ndarray, " n"]:
        """The most probable topic of each text given its words alone.

        No answer that does not know the text's place or links is right more often on average.
        """
        num_own = self.word_numbers // self.words_per_topic
        counts_NK = (num_own[:, :, None] == np.arange(self.num_topics)).sum(axis=1)
        any_word = (1 - self.topic_share) / len(self.words)
        gain = np.log1p(self.topic_share / self.words_per_topic / any_word)
        return (counts_NK * gain + np.log(self._areas())).argmax(axis=1)

    def _areas(self) -> Float[np.ndarray, " k"]:
        """The share of the square that each topic has, on a grid of 300 times 300 places."""
        at = (np.arange(300) + 0.5) / 300
        grid = np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)
        counts = np.bincount(self._topics_at(grid), minlength=self.num_topics)
        return counts.clip(min=1) / len(grid)

    def _topics_at(self, places_N2: np.ndarray) -> np.ndarray:
        centres = np.random.default_rng([self.seed, 0]).random((self.num_topics, 2))
        return distances(places_N2, centres).argmin(axis=1)
