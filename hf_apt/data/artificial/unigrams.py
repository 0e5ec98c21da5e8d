"""Independent words as frequent as the tokens of a text: its unigrams and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float

from hf_apt.data.artificial.zipf import IndependentWords, numbered_words
from hf_apt.data.tokens import Tokens


@dataclass(frozen=True, kw_only=True)
class Unigrams(IndependentWords):
    """Words with the exact frequencies of a text's tokens, drawn independently of each other.

    The word of rank r stands for the r-th most frequent token; special tokens and those that do not
    occur are left out. What training on it brings comes from the frequencies of that text alone.

    Raises:
        ValueError: for a folder without tokenised sequences, and for a text of fewer than two
            different tokens.
    """

    tokens: str
    """Folder of the tokenised sequences, as a run leaves it in `tokens/train`."""

    frequencies: str = field(init=False)
    """Digest of the frequencies, which tells this language from that of another text."""

    def __post_init__(self) -> None:
        if len(self._counts_V) < 2:
            raise ValueError(
                f"the text in {self.tokens} has {len(self._counts_V)} different tokens: give one "
                "of at least two."
            )
        digest = hashlib.sha256(self._counts_V.astype("<i8").tobytes()).hexdigest()[:16]
        object.__setattr__(self, "frequencies", digest)

    @cached_property
    def _counts_V(self) -> np.ndarray:
        opened = Tokens(self.tokens)
        counts_V = opened.frequency()
        counts_V[list(opened.description.special_ids)] = 0
        return np.sort(counts_V[counts_V > 0])[::-1]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words w00, w01, …, the most frequent first."""
        return numbered_words("w", len(self._counts_V))

    def unigrams(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) the shares of the text's tokens, the largest first."""
        return self._counts_V / self._counts_V.sum()
