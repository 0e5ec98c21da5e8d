"""Another corpus with its words shuffled within windows: only their order is lost."""
# B documents, T positions, N asked positions, V words.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.draws import document_draws
from hf_apt.data.artificial.evidence import Evidence
from hf_apt.data.artificial.zipf import IndependentWords
from hf_apt.stats.config_checks import require_whole

_ORDER = 1
"""The stream of numbers that shuffle; those of stream 0 made the documents."""


@dataclass(frozen=True, kw_only=True)
class Shuffle(ArtificialLanguage):
    """The documents of another language, each window of words in a random order.

    Raises:
        ValueError: for a window of fewer than 2 words.
    """

    of: ArtificialLanguage
    """The language whose documents are shuffled."""

    window: int = 8
    """Number of neighbouring words that are shuffled among themselves; the last window of a
    document can be shorter."""

    def __post_init__(self) -> None:
        require_whole(self, "window", least=2)

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the other language."""
        return self.of.words

    def require_length(self, length: int) -> None:
        """Raise ValueError unless the other language has documents of `length` words."""
        self.of.require_length(length)

    def documents(
        self, numbers: range, length: int, seed: int
    ) -> Int[np.ndarray, "documents length"]:
        """The documents `numbers` of the other language, shuffled."""
        words_BT = self.of.documents(numbers, length, seed)
        draws_BT = document_draws(numbers, (length,), seed, stream=_ORDER)
        windows_T = np.arange(length) // self.window
        order_BT = np.argsort(draws_BT + windows_T, axis=1, kind="stable")
        return np.take_along_axis(words_BT, order_BT, axis=1)

    def unigrams(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) those of the other language: no word is added or lost."""
        return self.of.unigrams(length)

    def entropy(self, length: int) -> float | None:
        """That of the other language where its words are independent; else it is not known."""
        return self.of.entropy(length) if self.is_exact else None

    @property
    def is_exact(self) -> bool:
        """Whether the other language's words are independent, so that shuffling changes nothing."""
        return isinstance(self.of, IndependentWords)

    def posteriors(
        self, evidence: Evidence, asked_BT: Bool[np.ndarray, "documents seq"]
    ) -> Float[np.ndarray, "asked words"]:
        """(N, V) those of the other language, where its words are independent."""
        if not self.is_exact:
            return super().posteriors(evidence, asked_BT)
        return self.of.posteriors(evidence, asked_BT)
