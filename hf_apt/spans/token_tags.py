"""Sentences as tagged tokens, the usual way: each word is asked at its first token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch.nn.utils.rnn import pad_sequence

from hf_apt.data.special_tokens import surroundings
from hf_apt.spans.mentions import Mention, Sentence, mentions_of, tags_of
from hf_apt.spans.span_format import SpanFormat
from hf_apt.spans.span_rows import SpanRows
from hf_apt.stats.counts import NOT_ASKED


class TaggedRow(NamedTuple):
    """One sentence as a tagger of tokens reads it."""

    input_ids: list[int]
    """Token ids, special ones included."""

    first_positions: list[int]
    """Position of the first token of each word; words that were cut off have none."""


class TokenRows:
    """Makes rows of sentences for one tokenizer, of the very tokens that spans are made of.

    Args:
        tokenizer: that of the model.
        sequence_length: tokens of a row at most; words after these are cut off.

    Raises:
        ValueError: as `SpanRows`.
    """

    def __init__(self, tokenizer: Any, sequence_length: int):
        self._rows = SpanRows(tokenizer, SpanFormat(sequence_length=sequence_length))
        self._before, self._after = surroundings(tokenizer)
        self._length = sequence_length

    def row(self, words: Sequence[str]) -> TaggedRow:
        """The row of a sentence."""
        pieces = self._rows.pieces(words)
        ids, firsts = list(self._before), []
        for place, word in enumerate(pieces.ids):
            tokens = word if place else pieces.first
            if len(ids) + len(tokens) + len(self._after) > self._length:
                break
            firsts.append(len(ids))
            ids += tokens
        return TaggedRow([*ids, *self._after], firsts)

    def labelled(self, sentence: Sentence, tags: Sequence[str]) -> dict[str, Any]:
        """The row of a sentence with the number of each word's tag at its first token.

        Raises ValueError for a mention of a type that is in none of `tags`.
        """
        row = self.row(sentence.words)
        labels = [NOT_ASKED] * len(row.input_ids)
        own = tags_of(sentence.mentions, len(sentence.words))
        for position, tag in zip(row.first_positions, own, strict=False):
            if tag not in tags:
                raise ValueError(f"there is a tag {tag!r}, and the tags are {', '.join(tags)}.")
            labels[position] = list(tags).index(tag)
        return {"input_ids": row.input_ids, "labels": labels}


class TagCollator:
    """Makes a batch of rows, padded on the right whatever side the tokenizer pads.

    Args:
        pad_id: id of the padding.
    """

    def __init__(self, pad_id: int):
        self._pad_id = pad_id

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Tensors (batch, sequence): ids, mask, and labels where rows have them."""
        batch = {}
        for name, padding in (("input_ids", self._pad_id), ("labels", NOT_ASKED)):
            if name in rows[0]:
                values = [torch.tensor(row[name]) for row in rows]
                batch[name] = pad_sequence(values, batch_first=True, padding_value=padding)
        lengths = torch.tensor([len(row["input_ids"]) for row in rows])
        mask_BT = torch.arange(batch["input_ids"].shape[1]) < lengths[:, None]
        return batch | {"attention_mask": mask_BT.long()}


def bio_tags(labels: Sequence[str]) -> tuple[str, ...]:
    """The tags of types, `O` first.

    >>> bio_tags(["group"])
    ('O', 'B-group', 'I-group')
    """
    return ("O", *(f"{prefix}-{label}" for label in labels for prefix in "BI"))


def tagged_mentions(
    model: Any, rows: TokenRows, sentences: Sequence[Sequence[str]], *, pad_id: int
) -> list[tuple[Mention, ...]]:
    """The mentions that a tagger of tokens finds: the most probable tag of each word.

    Tags are read leniently; words that were cut off are in no mention.
    """
    tags = [model.config.id2label[index] for index in range(model.config.num_labels)]
    predicted = []
    for labels, row in zip(_answers(model, rows, sentences, pad_id), sentences, strict=True):
        own = [tags[label] for label in labels]
        predicted.append(mentions_of([*own, *["O"] * (len(row) - len(own))], lenient=True))
    return predicted


@torch.inference_mode()
def _answers(
    model: Any, rows: TokenRows, sentences: Sequence[Sequence[str]], pad_id: int
) -> list[list[int]]:
    collate, answers = TagCollator(pad_id), []
    was_training = model.training
    model.eval()
    for first in range(0, len(sentences), 32):
        made = [rows.row(words) for words in sentences[first : first + 32]]
        batch = collate([{"input_ids": row.input_ids} for row in made])
        logits_BTC = model(**{name: each.to(model.device) for name, each in batch.items()}).logits
        labels_BT = logits_BTC.argmax(dim=-1).tolist()
        answers += [
            [labels[position] for position in row.first_positions]
            for labels, row in zip(labels_BT, made, strict=True)
        ]
    model.train(was_training)
    return answers
