"""What an artificial corpus is: words, documents that are pure functions, and exact answers."""
# B documents, T positions, N asked positions, V words.

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.artificial.evidence import Evidence


class ArtificialLanguage(ABC):
    """A law of documents of words, of which everything is known.

    Words are numbers from 0 on. A document has as many words as it is asked for.
    """

    @property
    @abstractmethod
    def words(self) -> tuple[str, ...]:
        """The words as text, by number; letters and digits only, so that each is one token."""

    @property
    def num_words(self) -> int:
        """Number of words V."""
        return len(self.words)

    @abstractmethod
    def documents(
        self, numbers: range, length: int, seed: int
    ) -> Int[np.ndarray, "documents length"]:
        """The documents `numbers` of a seed, int64 of shape (B, `length`).

        Document n depends on the language, the seed, the length and n alone.
        """

    @abstractmethod
    def unigrams(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) exact expected share of each word in documents of `length` words."""

    def entropy(self, length: int) -> float | None:
        """The entropy of a document of `length` words in nats; None where it is not known.

        Divided by `length` it is the smallest loss that a model of next words can have on average.
        """
        return None

    def classes(self) -> Int[np.ndarray, " words"] | None:
        """(V,) the known class of each word, -1 for none; None where words have no classes."""
        return None

    @property
    def is_exact(self) -> bool:
        """Whether `posteriors` is there."""
        return True

    def posteriors(
        self, evidence: Evidence, asked_BT: Bool[np.ndarray, "documents seq"]
    ) -> Float[np.ndarray, "asked words"]:
        """The exact distribution of each asked word given what all other positions show.

        Args:
            evidence: what the documents show.
            asked_BT: the positions that are asked.

        Returns:
            (N, V) probabilities in row-major order of the asked positions. What an asked position
            itself shows is not in it.

        Raises:
            NotImplementedError: where no exact answer is known (`is_exact`).
        """
        raise NotImplementedError(f"no exact answer is known for {self!r}")

    def require_length(self, length: int) -> None:
        """Raise ValueError unless there are documents of `length` words."""
        if length < 1:
            raise ValueError(f"a document has at least one word, and {length} are asked for.")
