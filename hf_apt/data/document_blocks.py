"""Texts in a fixed order, read in blocks from any position on; memory holds one block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

_BLOCK = 1000
_BATCH_CHARACTERS = 32_000_000


@dataclass(frozen=True)
class Block:
    """Consecutive documents, and where the next block begins."""

    texts: list[Any]
    """Texts of the documents, or their token ids."""

    place: Any
    """Position at which the next block begins, in plain JSON, as `blocks` takes it."""


class Documents(Protocol):
    """Documents that can be read from the beginning, or from where a block ended."""

    @property
    def num_documents(self) -> int | None:
        """Number of documents, where known."""
        ...

    def blocks(self, after: Any = None) -> Iterator[Block]:
        """All blocks from the position `after` on, in the same order every time."""
        ...


@dataclass(frozen=True)
class Indexed:
    """Documents that can be read by their numbers: a list, a memory-mapped table, a generator.

    A row without a text, which is None, is left out.
    """

    num_documents: int
    """Number of rows."""

    between: Callable[[int, int], Sequence[Any]]
    """The rows from one number up to another, which is not included."""

    def blocks(self, after: int | None = None) -> Iterator[Block]:
        """Blocks of 1,000 rows; a position is the number of rows read."""
        for start in range(after or 0, self.num_documents, _BLOCK):
            end = min(start + _BLOCK, self.num_documents)
            yield Block([text for text in self.between(start, end) if text is not None], end)


def listed(texts: Sequence[str]) -> Indexed:
    """Documents that are already in memory."""
    return Indexed(len(texts), lambda start, end: texts[start:end])


def batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """At most 1,000 texts at a time, and of at most some 64 million characters."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if len(batch) == _BLOCK or size > _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
