"""Mentions in sentences by a span model: every span is asked about, and the surest are taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from hf_apt.spans.decoding import ScoredSpan, resolved
from hf_apt.spans.mentions import Mention
from hf_apt.spans.negatives import spans_within
from hf_apt.spans.span_draws import SpanCollator
from hf_apt.spans.span_model import SpanModel
from hf_apt.spans.span_rows import SpanRow, SpanRows

_BATCH = 128


class _Question(NamedTuple):
    sentence: int
    start: int
    end: int
    row: SpanRow


@dataclass
class AskedSpans:
    """What was asked about."""

    num_spans: int = 0
    """Spans that were put to the model."""

    num_too_long: int = 0
    """Spans of few enough words whose tokens do not fit into a row."""

    num_shortened: int = 0
    """Spans that were put to it with less than the whole sentence."""

    def as_json(self) -> dict[str, int]:
        """The counts by their names."""
        return dict(vars(self))


class SpanTagger:
    """A span model with its tokenizer.

    Args:
        model: a trained `SpanModel`.
        tokenizer: its tokenizer.

    Raises:
        ValueError: for a tokenizer that has more tokens than the model, or no mask token.
    """

    def __init__(self, model: SpanModel, tokenizer: Any):
        if len(tokenizer) > model.config.vocab_size:
            raise ValueError(
                f"the tokenizer has {len(tokenizer)} tokens and the model only "
                f"{model.config.vocab_size}: they do not belong together."
            )
        self.model = model
        self.tokenizer = tokenizer
        self._rows = SpanRows(tokenizer, model.config.span_format())
        self._labels = model.config.labels()

    @classmethod
    def load(cls, folder: Path | str) -> SpanTagger:
        """The tagger that `save` left in a folder.

        Args:
            folder: the folder.

        Returns:
            The tagger, in float32 and evaluation mode.

        Raises:
            ValueError: if there is no whole model of spans with its tokenizer.
        """
        from hf_apt.data.tokenizer import load_tokenizer
        from hf_apt.models.loading import first_of, from_checkpoint, require_finite

        model, missing = from_checkpoint(SpanModel, str(folder), "model of spans")
        if missing:
            raise ValueError(
                f"{str(folder)!r} is no whole model of spans: it lacks {first_of(missing)}."
            )
        require_finite(model, str(folder))
        return cls(model.eval(), load_tokenizer(str(folder)))  # pyright: ignore[reportArgumentType]

    def save(self, folder: Path | str) -> None:
        """Write model and tokenizer so that `load` reads them.

        Args:
            folder: the folder, which is made.
        """
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    def scored(
        self, sentences: Sequence[Sequence[str]], asked: AskedSpans | None = None
    ) -> list[list[ScoredSpan]]:
        """What the model says of every span of up to `max_span_words` words.

        Args:
            sentences: the words of each sentence.
            asked: counts what was asked about, if given.

        Returns:
            For each sentence its spans, in no order; those whose tokens fit into no row are left
            out.
        """
        asked = AskedSpans() if asked is None else asked
        questions = list(self._questions(sentences, asked))
        questions.sort(key=lambda each: len(each.row.input_ids))
        spans: list[list[ScoredSpan]] = [[] for _ in sentences]
        was_training = self.model.training
        self.model.eval()
        for first in range(0, len(questions), _BATCH):
            batch = questions[first : first + _BATCH]
            for question, (confidence, type_) in zip(batch, self._answers(batch), strict=True):
                spans[question.sentence].append(
                    ScoredSpan(question.start, question.end, confidence, self._labels[type_])
                )
        self.model.train(was_training)
        return spans

    def mentions(
        self, sentences: Sequence[Sequence[str]], asked: AskedSpans | None = None
    ) -> list[tuple[Mention, ...]]:
        """The mentions in sentences: spans that are more probably one than not, the surest first.

        Args:
            sentences: the words of each sentence.
            asked: counts what was asked about, if given.

        Returns:
            For each sentence its mentions in the order of the text; none shares a word with
            another.
        """
        return [resolved(spans) for spans in self.scored(sentences, asked)]

    def _questions(
        self, sentences: Sequence[Sequence[str]], asked: AskedSpans
    ) -> Iterator[_Question]:
        for index, words in enumerate(sentences):
            pieces = self._rows.pieces(words)
            for start, end in spans_within(len(words), self._rows.form.max_span_words):
                row = self._rows.row(pieces, start, end)
                if row is None:
                    asked.num_too_long += 1
                    continue
                asked.num_spans += 1
                asked.num_shortened += row.is_shortened
                yield _Question(index, start, end, row)

    @torch.inference_mode()
    def _answers(self, batch: Sequence[_Question]) -> Iterator[tuple[float, int]]:
        collate = SpanCollator(self.model.config.pad_token_id or 0)
        inputs = collate(
            [
                {
                    "input_ids": question.row.input_ids,
                    "entity_positions": question.row.entity_position,
                    "type_positions": question.row.type_position,
                }
                for question in batch
            ]
        )
        output: Any = self.model(
            **{name: values.to(self.model.device) for name, values in inputs.items()}
        )
        confidence_B = output.logits.softmax(dim=1)[:, 1].tolist()
        yield from zip(confidence_B, output.type_logits.argmax(dim=1).tolist(), strict=True)
