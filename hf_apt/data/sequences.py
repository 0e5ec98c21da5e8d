"""How texts become sequences of token ids: their beginnings, or all of them joined and cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

Layout = Literal["first", "packed"]
"""`first`: the first tokens of each document, one sequence each (arXiv 2507.14871). `packed`: all
tokens, documents joined by the separator and cut into full sequences; the last, partial one is
dropped."""

_BATCH = 1000


class Cutter:
    """Cuts texts into sequences of at most `length` token ids, special ones included.

    Raises ValueError for fewer than 8 tokens.
    """

    def __init__(self, tokenizer: Any, *, length: int, layout: Layout):
        if length < 8:
            raise ValueError(f"sequence_length must be at least 8 tokens, got {length}.")
        self.tokenizer = tokenizer
        self.length = length
        self.layout: Layout = layout
        self._empty = len(tokenizer("")["input_ids"])
        self._before, self._after = _surroundings(tokenizer)

    def cut(self, texts: Sequence[str], waiting: list[int]) -> Iterator[list[int]]:
        """The sequences that `texts` fill, after the ids that are `waiting`.

        `waiting` is left with the ids after the last full sequence; with layout `first` there are
        none. Texts are tokenised on all cores, 1,000 at a time, which does not change the result.
        """
        for start in range(0, len(texts), _BATCH):
            batch = list(texts[start : start + _BATCH])
            if self.layout == "first":
                rows = self.tokenizer(batch, truncation=True, max_length=self.length)["input_ids"]
                yield from (ids for ids in rows if len(ids) > self._empty)
            else:
                yield from self._packed(batch, waiting)

    def _packed(self, texts: list[str], waiting: list[int]) -> Iterator[list[int]]:
        room = self.length - len(self._before) - len(self._after)
        for ids in self.tokenizer(texts, add_special_tokens=False)["input_ids"]:
            if ids:
                waiting += ids + self._after[:1]
        full = len(waiting) // room * room
        for start in range(0, full, room):
            yield self._before + waiting[start : start + room] + self._after
        del waiting[:full]


def _surroundings(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The ids that the tokenizer puts before and after a text."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole = tokenizer("a")["input_ids"]
    start = next(place for place in range(len(whole)) if whole[place : place + len(bare)] == bare)
    return whole[:start], whole[start + len(bare) :]
