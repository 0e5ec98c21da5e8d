"""Independent words as frequent as those of another corpus: its unigrams and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.zipf import IndependentWords


@dataclass(frozen=True, kw_only=True)
class Noise(IndependentWords):
    """The words of another language with its exact frequencies, in any order and number.

    What training on it brings comes from the frequencies of words alone.
    """

    of: ArtificialLanguage
    """The language whose frequencies they have."""

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the other language."""
        return self.of.words

    def unigrams(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) the frequencies of the other language."""
        return self.of.unigrams(length)

    def require_length(self, length: int) -> None:
        """Raise ValueError unless the other language has documents of `length` words."""
        self.of.require_length(length)
