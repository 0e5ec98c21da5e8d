"""How texts become sequences of token ids: their beginnings, or all of them joined and cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, get_args

from hf_apt.data.special_tokens import surroundings
from hf_apt.data.text_counts import TextCounts

Layout = Literal["first", "packed"]
"""`first`: the first tokens of each document, one sequence each (arXiv 2507.14871). `packed`: all
tokens, documents joined by the separator and cut into full sequences; the last, partial one is
dropped."""

_BATCH = 1000


class Cutter:
    """Cuts texts into sequences of at most `length` token ids, special ones included.

    Where a tokenizer without a mask token, a causal model's, puts nothing after a text, its end of
    text separates packed documents. Raises ValueError for fewer than 8 tokens, an unknown layout,
    and a tokenizer that is none, has no padding token, or gives no text token.
    """

    def __init__(self, tokenizer: Any, *, length: int, layout: Layout):
        if length < 8:
            raise ValueError(f"sequence_length must be at least 8 tokens, got {length}.")
        if layout not in get_args(Layout):
            raise ValueError(f"layout is {layout!r}: choose one of {', '.join(get_args(Layout))}.")
        _require_padding(tokenizer)
        self.tokenizer = tokenizer
        self.length = length
        self.layout: Layout = layout
        self._before, self._after = surroundings(tokenizer)
        self._separator = self._after[:1]
        if not self._separator and tokenizer.mask_token_id is None:
            end = getattr(tokenizer, "eos_token_id", None)
            self._separator = [] if end is None else [end]
        self._from_left = getattr(tokenizer, "truncation_side", "right") == "left"

    def cut(
        self, texts: Sequence[str], waiting: list[int], counts: TextCounts | None = None
    ) -> Iterator[list[int]]:
        """The sequences that `texts` fill, after the ids that are `waiting`.

        `waiting` is left with the ids after the last full sequence; with layout `first` there are
        none. What is read is added to `counts`. Texts are tokenised on all cores, 1,000 at a time,
        which does not change the result.

        Raises ValueError for anything but text.
        """
        counts = TextCounts() if counts is None else counts
        for start in range(0, len(texts), _BATCH):
            rows = [ids for ids in self._rows(list(texts[start : start + _BATCH])) if ids]
            counts.add(rows, getattr(self.tokenizer, "unk_token_id", None))
            yield from (
                self._first(rows, counts) if self.layout == "first" else self._packed(rows, waiting)
            )

    def _rows(self, batch: list[Any]) -> Iterable[list[int]]:
        """The ids of each document, without special ones around it."""
        _require_texts(batch)
        return self.tokenizer(batch, add_special_tokens=False, verbose=False)["input_ids"]

    def _first(self, rows: list[list[int]], counts: TextCounts) -> Iterator[list[int]]:
        for ids in rows:
            kept = ids[-self._room :] if self._from_left else ids[: self._room]
            counts.num_cut += len(ids) - len(kept)
            yield self._before + kept + self._after

    def _packed(self, rows: list[list[int]], waiting: list[int]) -> Iterator[list[int]]:
        for ids in rows:
            waiting += ids + self._separator
        full = len(waiting) // self._room * self._room
        for start in range(0, full, self._room):
            yield self._before + waiting[start : start + self._room] + self._after
        del waiting[:full]

    @property
    def _room(self) -> int:
        """Number of a sequence's tokens that are text."""
        return self.length - len(self._before) - len(self._after)


def _require_padding(tokenizer: Any) -> None:
    """Raise ValueError unless `tokenizer` is one of transformers that can fill short sequences."""
    if not hasattr(tokenizer, "mask_token_id"):
        raise ValueError(
            f"the tokenizer is {tokenizer!r}: give one of transformers, such as "
            "AutoTokenizer.from_pretrained(checkpoint)."
        )
    if tokenizer.pad_token_id is None:
        raise ValueError(
            "the tokenizer has no padding token: give it one, tokenizer.pad_token = ..."
        )


def _require_texts(texts: list[Any]) -> None:
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"a document is {text!r}, no text: leave it out.")
