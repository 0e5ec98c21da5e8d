"""An artificial language as a corpus by name: texts to tokenise, its tokenizer, exact answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Int

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.evidence import words_shown
from hf_apt.data.artificial.exact_answers import exact_answers
from hf_apt.data.artificial.generated_corpus import GeneratedCorpus
from hf_apt.data.artificial.registry import name_of
from hf_apt.data.corpora import Corpus
from hf_apt.data.document_blocks import Indexed
from hf_apt.data.held_out import TwoSources
from hf_apt.data.masking import Masking
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches
from hf_apt.data.sequences import Layout
from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.data.tokens import Tokens
from hf_apt.stats.config_checks import require_seed, require_whole
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.cross_entropy import CrossEntropy
from hf_apt.stats.measures.readout import Readout

_FIRST = len(SPECIAL_TOKENS)
_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, kw_only=True)
class ArtificialCorpus(GeneratedCorpus):
    """How much text of an artificial language to make.

    Its words are texts such as w0017 with a tokenizer of their own, one token a word, so that it
    goes the way of every other corpus. Of a model trained on it the blocks can be carried over to
    natural text (`hf_apt.models.carried_blocks`); its embeddings mean nothing there.

    Raises:
        ValueError: for fewer than one document of a side, or a seed that is none.
    """

    language: ArtificialLanguage
    """The language."""

    name: str = field(init=False)
    """The language as the command line spells it."""

    def __post_init__(self) -> None:
        require_whole(self, "num_documents", "num_validation_documents")
        require_seed(self, num_seeds=3)
        object.__setattr__(self, "name", name_of(self.language))

    def corpus(self, num_words: int) -> Corpus:
        """Documents of exactly `num_words` words, one token each."""
        stream = TwoSources(
            self._texts(self.num_documents, num_words, seed=self.seed + 1),
            self._texts(self.num_validation_documents, num_words, seed=self.seed + 2),
        )
        return Corpus(self.name, stream, f"{self!r} {num_words} words")

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return tuple(self.language.words)

    def tokenizer(self) -> Any:
        """A tokenizer for which every word is one token; word w has the id w + 5."""
        return vocabulary_tokenizer((*SPECIAL_TOKENS, *self._words))

    @property
    def vocab_size(self) -> int:
        """Number of words and of special tokens."""
        return _FIRST + self.language.num_words

    def classes(self) -> Int[np.ndarray, " vocab"] | None:
        """The known class of each token id, -1 for none; None where the words have no classes."""
        classes_V = self.language.classes()
        return None if classes_V is None else np.concatenate([np.full(_FIRST, -1), classes_V])

    def exact_readout(
        self, tokens: Tokens, config: MeasureConfig, masking: Masking | None = None
    ) -> Readout | None:
        """The answers and cross-entropies of the exact best predictor, if one is known.

        It knows the language and the law of corruption, and sees what the model sees. On average no
        model is right more often or loses less; on one text, or in the mean over tokens, one can do
        better by chance.
        """
        if not self.language.is_exact:
            return None
        readout = Readout.empty(1, tokens.description.vocab_size, (CrossEntropy,))
        batches = MaskedBatches(tokens, config, masking)
        for (_, start), (_, batch) in zip(batches.starts, batches.part(), strict=True):
            words = slice(1, -1)  # between [CLS] and [SEP]
            asked_BT = batch.modified_BT[:, words]
            if not asked_BT.any():
                continue
            shown_BT = words_shown(batch.input_ids_BT[:, words], _FIRST, self.language.num_words)
            answers = exact_answers(self.language, shown_BT, asked_BT, batches.masking)
            labels_N = batch.labels_BT[:, words][asked_BT]
            chances_N = answers.probabilities_NV[np.arange(len(labels_N)), labels_N - _FIRST]
            readout.update(
                Answers(
                    references_N=labels_N,
                    treatments_N=batch.treatments_BT[:, words][asked_BT],
                    sequences_N=start + asked_BT.nonzero()[0],
                    predictions_DN=answers.best_N[None] + _FIRST,
                    cross_entropy_DN=-np.log(np.maximum(chances_N, _TINY))[None],
                )
            )
        return readout

    def require_fits(self, sequence_length: int, layout: Layout, tokenizer: str | None) -> None:
        """Raise ValueError for other sequences than a document each, or another tokenizer."""
        if layout != "first":
            raise ValueError(
                f"a document of {self.name} is a sequence, from its first word to its last: leave "
                f"out --layout {layout}."
            )
        if tokenizer is not None:
            raise ValueError(
                f"{self.name} has words of its own, and a tokenizer for them: leave out "
                f"--tokenizer {tokenizer}."
            )
        self.language.require_length(sequence_length - 2)

    def _texts(self, num_documents: int, num_words: int, *, seed: int) -> Indexed:
        def between(start: int, end: int) -> list[str]:
            rows = self.language.documents(range(start, end), num_words, seed)
            return [" ".join(self._words[word] for word in row) for row in rows.tolist()]

        return Indexed(num_documents, between)
