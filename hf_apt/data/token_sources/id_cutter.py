"""Documents of token ids cut into sequences, as `Cutter` cuts texts: same ids, same sequences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Integer

from hf_apt.data.sequences import Cutter, Layout
from hf_apt.data.text_counts import TextCounts
from hf_apt.data.token_sources.id_documents import IdDocument
from hf_apt.data.tokenizer import vocabulary


class IdCutter(Cutter):
    """Cuts documents of ids into sequences of at most `length` ids, special ones included.

    The special ids that a tokenizer puts around a text are taken off a document that has them, and
    so is a separator alone at its end; all documents have to have the same of these. What is left
    is what the tokenizer makes of the text, and is cut as `Cutter` cuts it. Raises ValueError for
    what `Cutter` refuses.
    """

    def __init__(self, tokenizer: Any, *, length: int, layout: Layout):
        super().__init__(tokenizer, length=length, layout=layout)
        self.vocab_size = len(vocabulary(tokenizer))
        """Number of token ids."""
        self._pad = tokenizer.pad_token_id
        self._around: tuple[list[int], list[int]] | None = None
        known = [
            (before, after)
            for before in (self._before, [])
            for after in (self._after, self._separator, [])
        ]
        self._most = max(map(len, (self._before, self._after, self._separator, [0])))
        self._known_around = sorted(known, key=lambda around: -len(around[0]) - len(around[1]))

    @property
    def before(self) -> list[int]:
        """Ids at the beginning of a sequence."""
        return self._before

    @property
    def after(self) -> list[int]:
        """Ids at the end of a sequence."""
        return self._after

    @property
    def separator(self) -> list[int]:
        """Ids after a document within a packed sequence."""
        return self._separator

    @property
    def room(self) -> int:
        """Number of a sequence's ids that are text."""
        return self._room

    def _rows(self, batch: list[Any]) -> Iterable[list[int]]:
        return [document.ids_N[self.body(document)].tolist() for document in batch]

    def body(self, document: IdDocument) -> slice:
        """The ids of a document that are not special ids around it.

        Raises ValueError, with the document's name, for an id outside the vocabulary, for padding,
        and for other special ids around it than the first document has.
        """
        ids_N = document.ids_N
        if not len(ids_N):
            return slice(0, 0)
        self._require_in_vocabulary(document)
        around = self._seen_around(ids_N)
        if self._around is None:
            self._around = around
        before, after = self._around
        if around != self._around:
            raise ValueError(self._odd(document, before, after))
        return slice(len(before), len(ids_N) - len(after))

    def _seen_around(self, ids_N: Integer[np.ndarray, " ids"]) -> tuple[list[int], list[int]]:
        """Which special ids are around these: as many of a text's or a separator as are there."""
        first, last = ids_N[: self._most].tolist(), ids_N[-self._most :].tolist()
        for before, after in self._known_around:
            begins = first[: len(before)] == before
            ends = last[len(last) - len(after) :] == after
            if begins and ends and len(ids_N) >= len(before) + len(after):
                return before, after
        return [], []

    def _require_in_vocabulary(self, document: IdDocument) -> None:
        ids_N = document.ids_N
        lowest = 0 if ids_N.dtype.kind == "u" else int(ids_N.min())
        highest = int(ids_N.max())
        if not 0 <= lowest <= highest < self.vocab_size:
            raise ValueError(
                f"{document} holds the id {lowest if lowest < 0 else highest}, and the tokenizer "
                f"has ids from 0 to {self.vocab_size - 1}: the ids were made by another one. Name "
                "that one with --tokenizer."
            )
        for place, verb, own in (
            (-1, "ends", (self._after, self._separator)),
            (0, "begins", (self._before[:1], self._after, self._separator)),
        ):
            # A causal tokenizer can pad with its end of text, which can also be a document alone.
            if ids_N[place] == self._pad and [self._pad] not in own:
                raise ValueError(
                    f"{document} {verb} with the padding id {self._pad}: write the ids without "
                    "padding."
                )

    def _odd(self, document: IdDocument, before: list[int], after: list[int]) -> str:
        own_before, own_after = self._seen_around(document.ids_N)
        return (
            f"{document} has the special ids {own_before} before and {own_after} after it, and the "
            f"first document that was read has {before} and {after}: each has to be whole, written "
            "in one way (with datatrove, without shuffle_chunk_size)."
        )


class Place(NamedTuple):
    """Where the ids of a document's text are."""

    begin: int
    """Index of the first one among those of all files."""

    length: int
    """Number of ids."""


class PlaceCutter(IdCutter):
    """Finds the texts of documents in files of datatrove, which are then read where they lie."""

    def cut(
        self, texts: Sequence[Any], waiting: list[int], counts: TextCounts | None = None
    ) -> Iterator[Any]:
        """A `Place` for each document that has an id; nothing is ever `waiting`.

        With layout `first` it is as long as its sequence has room. What is read is added to
        `counts`. Raises ValueError as `body` does.
        """
        counts = TextCounts() if counts is None else counts
        unknown = getattr(self.tokenizer, "unk_token_id", None)
        for document in texts:
            body = self.body(document)
            length = body.stop - body.start
            if not length:
                continue
            counts.num_documents += 1
            counts.num_tokens += length
            if unknown is not None:
                counts.num_unknown += int(np.count_nonzero(document.ids_N[body] == unknown))
            yield self._place(document.begin + body.start, length, counts)

    def _place(self, begin: int, length: int, counts: TextCounts) -> Place:
        if self.layout == "packed":
            return Place(begin, length)
        kept = min(length, self.room)
        counts.num_cut += length - kept
        return Place(begin + length - kept if self._from_left else begin, kept)
