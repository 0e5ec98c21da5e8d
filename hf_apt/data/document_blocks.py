"""Texts in a fixed order, read in blocks from any place: memory holds a block, never a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

_BLOCK = 1000


@dataclass(frozen=True)
class Block:
    """Some documents in a row, and the place behind them."""

    texts: list[str]
    """The documents."""

    place: Any
    """Where the next block begins, as JSON can hold it: to be given to `blocks`."""


class Documents(Protocol):
    """Documents that can be read from the beginning, or on from where a block ended."""

    @property
    def num_documents(self) -> int | None:
        """Number of documents, where known."""
        ...

    def blocks(self, after: Any = None) -> Iterator[Block]:
        """All blocks behind the place `after`, in the same order whenever they are asked for."""
        ...


@dataclass(frozen=True)
class Indexed:
    """Documents that can be had by their numbers: a list, a memory-mapped table, a generator.

    A row without a text is left out.
    """

    num_documents: int
    """Number of rows."""

    between: Callable[[int, int], Sequence[str | None]]
    """The rows from one number to before another."""

    def blocks(self, after: int | None = None) -> Iterator[Block]:
        """Blocks of 1,000 rows; the place is the number of rows read."""
        for start in range(after or 0, self.num_documents, _BLOCK):
            end = min(start + _BLOCK, self.num_documents)
            yield Block([text for text in self.between(start, end) if text is not None], end)


def listed(texts: Sequence[str]) -> Indexed:
    """Documents that are in memory already."""
    return Indexed(len(texts), lambda start, end: texts[start:end])
