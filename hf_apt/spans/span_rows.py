"""A sentence and a span of it as token ids: `[CLS] left [ MASK ] [ span ] [ MASK ] right [SEP]`.

Wang et al. 2022, "Formulating Few-shot Fine-tuning Towards Language Model Pre-training: A Pilot
Study on Named Entity Recognition", arXiv 2205.11799. Ours, from the paper's description.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from hf_apt.data.special_tokens import surroundings
from hf_apt.spans.span_format import SpanFormat

_PLAIN = "it"
"""The word in place of a mask: among the commonest, and one token in any vocabulary."""

_PARENTHESES = str.maketrans("[]", "()")


class SpanRow(NamedTuple):
    """One span of one sentence as a model reads it."""

    input_ids: list[int]
    """Token ids, special ones included."""

    entity_position: int
    """Position of the token at which the model says whether the span is a mention."""

    type_position: int
    """Position of the token at which it says of which type."""

    is_shortened: bool
    """Whether tokens of the sentence were left out."""


class WordPieces(NamedTuple):
    """The words of a sentence as token ids."""

    ids: tuple[tuple[int, ...], ...]
    """The tokens of each word as it stands after a blank; at least one a word."""

    first: tuple[int, ...]
    """Those of the first word where the text begins with it: byte-level vocabularies tell."""

    @property
    def num_tokens(self) -> int:
        """Tokens of all words."""
        return sum(map(len, self.ids))


class SpanRows:
    """Makes rows of sentences for one tokenizer.

    Words are tokenised one by one, as they stand in the text, so that a span is whole tokens.
    Brackets in the text become parentheses first: those of a row mean the span. What looks like a
    special token in the text is tokenised as letters, and a word without tokens is the unknown one.

    Args:
        tokenizer: that of the model; it has a mask token.
        form: how rows look.

    Raises:
        ValueError: for a tokenizer without a mask or unknown token, or that cannot tokenise text.
    """

    def __init__(self, tokenizer: Any, form: SpanFormat):
        if tokenizer.mask_token_id is None:
            raise ValueError(
                f"{type(tokenizer).__name__} has no mask token: take the checkpoint of a masked "
                "language model."
            )
        self.form = form
        self._tokenizer = tokenizer
        self._special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        self._known: dict[str, tuple[int, ...]] = {}
        self._before, self._after = surroundings(tokenizer)
        self._open, self._close = (self._of_words([f" {mark}"])[0] for mark in "[]")
        self._first_open = self._of_words(["["])[0]
        plain = self._of_words([f" {_PLAIN}"])[0][:1]
        self._asked = (tokenizer.mask_token_id,) if form.mask else plain

    def pieces(self, words: Sequence[str]) -> WordPieces:
        """The token ids of each word of a sentence."""
        plain = [word.translate(_PARENTHESES).strip() for word in words]
        ids = tuple(self._of_words([f" {word}" for word in plain]))
        return WordPieces(ids, self._of_words(plain[:1])[0] if plain else ())

    def row(self, pieces: WordPieces, start: int, end: int) -> SpanRow | None:
        """The row of the words `start` to `end` - 1; None if these alone are too long for one.

        Where the sentence is too long, tokens are left out at both ends, as many on each side as
        leave the span in the middle.
        """
        span = _joined(pieces.ids[start:end])
        left = _joined((pieces.first, *pieces.ids[1:start])) if start else ()
        right = _joined(pieces.ids[end:])
        # Nothing stands before the first bracket of a text that begins with it.
        marks = self._marks(is_first=not start)
        room = self._room(marks, len(span))
        if room < 0:
            return None
        num_left = min(len(left), max(room // 2, room - len(right)))
        num_right = min(len(right), room - num_left)
        is_shortened = num_left + num_right < len(left) + len(right)
        begin = [*self._before, *left[len(left) - num_left :]]
        ids = [*begin, *marks.before, *span, *marks.after, *right[:num_right], *self._after]
        middle = len(begin) + len(marks.before) + len(span)
        entity = len(begin) + marks.entity
        is_merged = self.form.merged
        return SpanRow(ids, entity, entity if is_merged else middle + marks.type, is_shortened)

    def fits(self, pieces: WordPieces, start: int, end: int) -> bool:
        """Whether the words `start` to `end` - 1 have a row."""
        marks = self._marks(is_first=not start)
        return self._room(marks, sum(map(len, pieces.ids[start:end]))) >= 0

    def _room(self, marks: _Marks, num_span: int) -> int:
        """Tokens that are left for what stands around the span; negative if it does not fit."""
        around = len(self._before) + len(self._after) + len(marks.before) + len(marks.after)
        return self.form.sequence_length - around - num_span

    def _marks(self, *, is_first: bool) -> _Marks:
        if not self.form.brackets:
            return _Marks(self._asked, () if self.form.merged else self._asked, 0, 0)
        first = self._first_open if is_first else self._open
        before = (*first, *self._asked, *self._close, *self._open)
        after = self._close
        if not self.form.merged:
            after = (*after, *self._open, *self._asked, *self._close)
        return _Marks(before, after, len(first), len(self._close) + len(self._open))

    def _of_words(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """The token ids of each text, none of which is special but the unknown one."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            encoded = self._tokenizer(new, add_special_tokens=False, split_special_tokens=True)
            for text, ids in zip(new, encoded["input_ids"], strict=True):
                self._known[text] = self._without_special(ids)
        return [self._known[text] for text in texts]

    def _without_special(self, ids: Sequence[int]) -> tuple[int, ...]:
        unknown = self._tokenizer.unk_token_id
        plain = tuple(unknown if token in self._special else token for token in ids) or (unknown,)
        if None in plain:
            raise ValueError(
                f"{type(self._tokenizer).__name__} has no token for what it does not know, and a "
                "word of the text is nothing else: take another checkpoint."
            )
        return plain


class _Marks(NamedTuple):
    """The tokens around a span."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    entity: int
    """Place of the first asked token in `before`."""
    type: int
    """Place of the second asked token in `after`."""


def _joined(words: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(token for word in words for token in word)
