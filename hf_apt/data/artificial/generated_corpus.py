"""A corpus that is made and not read: its texts, its tokenizer, its known answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from hf_apt.data.corpora import Corpus
from hf_apt.data.masking import Masking
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.sequences import Layout
from hf_apt.data.tokens import Tokens
from hf_apt.stats.measures.readout import Readout


@dataclass(frozen=True, kw_only=True)
class GeneratedCorpus(ABC):
    """What a run needs of a corpus of which everything is known."""

    num_documents: int = 40_000
    """Number of training documents."""

    num_validation_documents: int = 4_000
    """Number of held-out documents."""

    seed: int = 0
    """Seeds the documents, and what else the corpus says of it."""

    @abstractmethod
    def corpus(self, num_words: int) -> Corpus:
        """Documents of `num_words` words, one token each."""

    @abstractmethod
    def tokenizer(self) -> Any:
        """A tokenizer for which every word is one token."""

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """Number of tokens, special ones included."""

    def classes(self) -> Int[np.ndarray, " vocab"] | None:
        """The known class of each token id, -1 for none; None where the words have no classes."""
        return None

    @abstractmethod
    def exact_readout(
        self, tokens: Tokens, config: MeasureConfig, masking: Masking | None = None
    ) -> Readout | None:
        """What the exact best predictor answers where `measure` asks; None where none is known.

        One depth. `masking` is another law than that of `config`.
        """

    def require_fits(self, sequence_length: int, layout: Layout, tokenizer: str | None) -> None:
        """Raise ValueError unless documents can be made for sequences of this form; they can."""
        del sequence_length, layout, tokenizer
