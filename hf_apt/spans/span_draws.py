"""The rows of a training: all mentions once an epoch, and spans that are none drawn anew.

Draw number v is a pure function of (seed, v), as those of `hf_apt.data.training_draws`: a Trainer
that reads draws one after the other sees the same sequence whatever the batch size, accumulation or
number of processes, and resumes exactly by starting from a later v.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from hf_apt.spans.mentions import Sentence
from hf_apt.spans.negatives import drawn_negatives, spans_within
from hf_apt.spans.span_rows import SpanRows
from hf_apt.stats.counts import NOT_ASKED

_LONGER_BATCHES = 50
"""Batches among which rows are sorted by length, as those of transformers' sampler."""


class _Asked(NamedTuple):
    sentence: int
    start: int
    end: int
    type: int


class SpanDraws(Dataset):
    """`num_epochs` epochs of rows, one after the other, each in an order of its own.

    An epoch has a row for each mention, and for each sentence the negatives that
    `hf_apt.spans.negatives` draws from (seed, epoch, sentence).

    Args:
        sentences: those to learn from.
        rows: makes rows of them.
        labels: the types, by number.
        num_epochs: epochs.
        seed: seed of negatives and order.
        max_rows: rows of a sentence in an epoch at most; mentions are always asked. None for no
            limit.
        batch_size: where given, rows of about equal length are next to one another within 50
            batches of that size, and these batches in random order.
        multiple_of: the number of rows is made a multiple of this by rows of one more epoch. With
            the batch size every step is whole, which several processes need.

    Raises:
        ValueError: for a mention of a type that `labels` lack, and if no mention can be asked.
    """

    def __init__(
        self,
        sentences: Sequence[Sentence],
        rows: SpanRows,
        labels: Sequence[str],
        *,
        num_epochs: int,
        seed: int,
        max_rows: int | None = None,
        batch_size: int | None = None,
        multiple_of: int = 1,
    ):
        self._sentences = tuple(sentences)
        self._rows = rows
        self._pieces = [rows.pieces(each.words) for each in sentences]
        self._seed, self._max_rows, self._batch_size = seed, max_rows, batch_size
        self._spans = [list(self._allowed(index)) for index in range(len(sentences))]
        self._true = list(self._mentions({label: index for index, label in enumerate(labels)}))
        self.num_too_long = sum(len(each.mentions) for each in sentences) - len(self._true)
        """Mentions that are longer than a row or than the longest span that is asked."""
        if not self._true:
            raise ValueError(
                f"none of the {self.num_too_long} mentions has at most {rows.form.max_span_words} "
                f"words and fits into {rows.form.sequence_length} tokens: raise these limits."
            )
        self._epoch = lru_cache(maxsize=2)(self._of_epoch)
        self.num_in_epoch = len(self._epoch(0))
        """Rows of an epoch, the same for each."""
        self._num_rows = -(-num_epochs * self.num_in_epoch // multiple_of) * multiple_of

    def __len__(self) -> int:
        return self._num_rows

    def __getitem__(self, draw: int) -> dict[str, Any]:
        """One row: `input_ids`, the two positions, and the two labels."""
        if not 0 <= draw < len(self):
            raise IndexError(draw)
        epoch, place = divmod(draw, self.num_in_epoch)
        asked = self._epoch(epoch)[place]
        row = self._rows.row(self._pieces[asked.sentence], asked.start, asked.end)
        assert row is not None
        return {
            "input_ids": row.input_ids,
            "entity_positions": row.entity_position,
            "type_positions": row.type_position,
            "labels": int(asked.type != NOT_ASKED),
            "type_labels": asked.type,
        }

    def _allowed(self, sentence: int) -> Iterator[tuple[int, int]]:
        num_words = len(self._sentences[sentence].words)
        for span in spans_within(num_words, self._rows.form.max_span_words):
            if self._rows.fits(self._pieces[sentence], *span):
                yield span

    def _mentions(self, numbers: dict[str, int]) -> Iterator[_Asked]:
        allowed = [set(spans) for spans in self._spans]
        for index, sentence in enumerate(self._sentences):
            for start, end, label in sentence.mentions:
                if label not in numbers:
                    raise ValueError(
                        f"there is a mention of the type {label!r} among the sentences to learn "
                        f"from, and the types are {', '.join(numbers)}: name it among them."
                    )
                if (start, end) in allowed[index]:
                    yield _Asked(index, start, end, numbers[label])

    def _of_epoch(self, epoch: int) -> list[_Asked]:
        asked = list(self._true)
        num_true = Counter(each.sentence for each in self._true)
        for index, sentence in enumerate(self._sentences):
            spans = drawn_negatives(
                sentence,
                self._spans[index],
                at_most=None
                if self._max_rows is None
                else max(self._max_rows - num_true[index], 0),
                generator=np.random.default_rng([self._seed, epoch, index]),
            )
            asked += [_Asked(index, *span, NOT_ASKED) for span in spans]
        return [asked[place] for place in self._order(asked, epoch)]

    def _order(self, asked: Sequence[_Asked], epoch: int) -> list[int]:
        generator = np.random.default_rng([self._seed, epoch])
        order = generator.permutation(len(asked)).tolist()
        size = self._batch_size
        if size is None:
            return order
        lengths = [self._pieces[each.sentence].num_tokens for each in asked]
        batches: list[list[int]] = []
        for begin in range(0, len(order), size * _LONGER_BATCHES):
            part = order[begin : begin + size * _LONGER_BATCHES]
            part.sort(key=lambda place: -lengths[place])
            batches += [part[first : first + size] for first in range(0, len(part), size)]
        *whole, last = batches
        generator.shuffle(whole)
        return [place for batch in (*whole, last) for place in batch]


class SpanCollator:
    """Makes a batch of rows, padded on the right whatever side the tokenizer pads.

    Args:
        pad_id: id of the padding.
    """

    def __init__(self, pad_id: int):
        self._pad_id = pad_id

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Tensors: `input_ids` and `attention_mask` (batch, sequence), all others (batch,)."""
        ids = [torch.tensor(row["input_ids"]) for row in rows]
        lengths = torch.tensor([len(each) for each in ids])
        ids_BT = pad_sequence(ids, batch_first=True, padding_value=self._pad_id)
        mask_BT = (torch.arange(ids_BT.shape[1]) < lengths[:, None]).long()
        others = {
            name: torch.tensor([row[name] for row in rows])
            for name in rows[0]
            if name != "input_ids"
        }
        return {"input_ids": ids_BT, "attention_mask": mask_BT, **others}
