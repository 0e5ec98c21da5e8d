"""Independent words whose frequencies fall by rank: Zipf's law and nothing else."""
# B documents, T positions, N asked positions, V words.

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.draws import document_draws, drawn, entropy_of
from hf_apt.data.artificial.evidence import Evidence
from hf_apt.data.planted.language import zipf
from hf_apt.stats.config_checks import require_not_negative, require_whole


def numbered_words(letter: str, num_words: int) -> tuple[str, ...]:
    """Words such as w0017: a letter and numbers of equal width."""
    width = max(len(str(num_words - 1)), 2)
    return tuple(f"{letter}{number:0{width}}" for number in range(num_words))


class IndependentWords(ArtificialLanguage):
    """Words drawn independently of each other and of their positions."""

    def documents(
        self, numbers: range, length: int, seed: int
    ) -> Int[np.ndarray, "documents length"]:
        """The documents `numbers`; a shorter one is the beginning of a longer one."""
        return drawn(self.unigrams(length), document_draws(numbers, (length,), seed))

    def entropy(self, length: int) -> float:
        """`length` times the entropy of a word, in nats."""
        return length * entropy_of(self.unigrams(length))

    def posteriors(
        self, evidence: Evidence, asked_BT: Bool[np.ndarray, "documents seq"]
    ) -> Float[np.ndarray, "asked words"]:
        """(N, V) the frequencies of the words, whatever is shown elsewhere."""
        return np.repeat(self.unigrams(asked_BT.shape[1])[None], int(asked_BT.sum()), axis=0)


@dataclass(frozen=True, kw_only=True)
class Zipf(IndependentWords):
    """Independent words: the word of rank r has a probability proportional to r^-exponent.

    Raises:
        ValueError: for fewer than 2 words, or a negative exponent.
    """

    vocab_size: int = 512
    """Number of words."""

    exponent: float = 1.0
    """Exponent of Zipf's law; 0 for words that are equally frequent."""

    def __post_init__(self) -> None:
        require_whole(self, "vocab_size", least=2)
        require_not_negative(self, "exponent")

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words w00, w01, …, the most frequent first."""
        return numbered_words("w", self.vocab_size)

    def unigrams(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) Zipf's law."""
        return zipf(self.vocab_size, self.exponent)
