"""The planted language as a corpus: texts to tokenise, its tokenizer, its known answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from hf_apt.data.artificial.generated_corpus import GeneratedCorpus
from hf_apt.data.corpora import Corpus
from hf_apt.data.document_blocks import Indexed
from hf_apt.data.held_out import TwoSources
from hf_apt.data.masking import MaskedBatch, Masking
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches
from hf_apt.data.planted.bayes import BayesPredictions, bayes_predictions
from hf_apt.data.planted.generate import document_text, sample_documents
from hf_apt.data.planted.language import PlantedLanguage, planted_language
from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.data.tokens import Tokens
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.readout import Readout


@dataclass(frozen=True, kw_only=True)
class PlantedCorpus(GeneratedCorpus):
    """How much planted text to generate."""

    seed: int = 0
    """Seeds the language. Documents are drawn with seeds of their own."""

    def language(self) -> PlantedLanguage:
        """The language, the same for the same seed."""
        return planted_language(seed=self.seed)

    def corpus(self, num_words: int) -> Corpus:
        """Documents of exactly `num_words` words, one token each."""
        stream = TwoSources(
            self._texts(self.num_documents, num_words, seed=self.seed + 1),
            self._texts(self.num_validation_documents, num_words, seed=self.seed + 2),
        )
        return Corpus("planted", stream, f"{self} {num_words} words")

    def tokenizer(self) -> Any:
        """A tokenizer for which every word of the language is one token."""
        return vocabulary_tokenizer((*SPECIAL_TOKENS, *self.language().words))

    @property
    def vocab_size(self) -> int:
        """Number of words and of special tokens."""
        return len(SPECIAL_TOKENS) + self.language().num_words

    def classes(self) -> Int[np.ndarray, " vocab"]:
        """The paradigm of each token id, -1 for tokens that belong to none."""
        none = np.full(len(SPECIAL_TOKENS), -1)
        return np.concatenate([none, self.language().paradigms])

    def bayes_counts(
        self, tokens: Tokens, config: MeasureConfig, masking: Masking | None = None
    ) -> DepthCounts:
        """What the exact best predictor answers at the positions that `measure` asks about.

        One depth. It knows the language and the law of corruption, and sees what the model sees:
        no predictor is right more often. It does not aim at the mean over tokens, so a model may
        exceed it there by chance or by favouring rare tokens. `masking` is another law than that of
        `config`.
        """
        counts = DepthCounts.empty(1, tokens.description.vocab_size)
        for batch, modified_BT, best in self._best(tokens, config, masking):
            words = slice(1, -1)
            counts.update(
                batch.labels_BT[:, words][modified_BT],
                best.token_ids[None],
                batch.treatments_BT[:, words][modified_BT],
            )
        return counts

    def ceiling(
        self, tokens: Tokens, *, rate: float, num_sequences: int = 400
    ) -> Float[np.ndarray, " vocab"]:
        """The expected accuracy of the exact best predictor on each token, under uniform masking.

        Args:
            tokens: held-out documents of this language.
            rate: share of the positions that is modified.
            num_sequences: documents over which is averaged, at most.

        Returns:
            An accuracy in [0, 1] for each token id; NaN for those that are no words.
        """
        first = len(SPECIAL_TOKENS)
        num_words = self.language().num_words
        confusion_VV = np.zeros((num_words, num_words))
        config = MeasureConfig(masking_rate=rate, num_sequences=num_sequences)
        for _, _, best in self._best(tokens, config, None):
            confusion_VV += best.confusion
        ceiling_V = np.full(tokens.description.vocab_size, np.nan)
        with np.errstate(invalid="ignore"):  # of words that are never expected
            ceiling_V[first : first + num_words] = confusion_VV.diagonal() / confusion_VV.sum(1)
        return ceiling_V

    def _best(
        self, tokens: Tokens, config: MeasureConfig, masking: Masking | None
    ) -> Iterator[tuple[MaskedBatch, np.ndarray, BayesPredictions]]:
        """For each batch of a measurement its modified words, and the best answers to them."""
        language = self.language()
        vocab_size, mask_id = tokens.description.vocab_size, tokens.description.mask_id
        assert mask_id is not None  # its own tokenizer has one
        first = len(SPECIAL_TOKENS)
        batches = MaskedBatches(tokens, config, masking)
        for _, batch in batches.part():
            words = slice(1, -1)  # between [CLS] and [SEP]
            modified_BT = batch.modified_BT[:, words]
            best = bayes_predictions(
                language,
                batch.input_ids_BT[:, words],
                modified_BT,
                mask_id=mask_id,
                vocab_size=vocab_size,
                word_ids=np.arange(first, first + language.num_words),
                masking_rate=batches.masking.rate,
                masked_share=batches.masking.masked_share,
                replaced_share=batches.masking.replaced_share,
            )
            yield batch, modified_BT, best

    def exact_readout(
        self, tokens: Tokens, config: MeasureConfig, masking: Masking | None = None
    ) -> Readout:
        """The `bayes_counts`, without a measure."""
        return Readout(self.bayes_counts(tokens, config, masking), {})

    def _texts(self, num_documents: int, num_words: int, *, seed: int) -> Indexed:
        language = self.language()

        def between(start: int, end: int) -> list[str]:
            rows = sample_documents(language, end - start, num_words, seed, start).words
            return [document_text(language, row) for row in rows]

        return Indexed(num_documents, between)
