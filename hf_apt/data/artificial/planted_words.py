"""The planted language among the artificial ones, to be shuffled or drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.planted.generate import sample_documents
from hf_apt.data.planted.language import PlantedLanguage, planted_language
from hf_apt.data.planted.states import expected_word_frequencies
from hf_apt.stats.config_checks import require_seed


@dataclass(frozen=True, kw_only=True)
class PlantedWords(ArtificialLanguage):
    """The words of documents of the planted language, without capitals.

    Its exact answers are those of `hf_apt.data.planted.corpus.PlantedCorpus`.
    """

    seed: int = 0
    """Seeds the language."""

    def __post_init__(self) -> None:
        require_seed(self)

    @cached_property
    def language(self) -> PlantedLanguage:
        """The planted language."""
        return planted_language(seed=self.seed)

    @property
    def words(self) -> tuple[str, ...]:
        """The words, the full stop among them."""
        return self.language.words

    @property
    def is_exact(self) -> bool:
        """False: not here."""
        return False

    def documents(
        self, numbers: range, length: int, seed: int
    ) -> Int[np.ndarray, "documents length"]:
        """The documents `numbers`; a shorter one is the beginning of a longer one."""
        return sample_documents(self.language, len(numbers), length, seed, numbers.start).words

    def unigrams(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) the exact expected share of each word."""
        return expected_word_frequencies(self.language, length)
