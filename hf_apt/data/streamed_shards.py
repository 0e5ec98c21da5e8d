"""A corpus of many files that is streamed, not downloaded: read evenly, shuffled, resumable.

datasets' own shuffle buffer loses its content when it is resumed, and its order changed between
versions 4 and 5. Here nothing is held from block to block, so a position is exact: the state of
each open file, as `IterableDataset.state_dict` says. Source: ours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_apt.data.document_blocks import Block
from hf_apt.data.text_files import joined

_OPEN = 10
"""Number of shards that are read at the same time."""


@dataclass(frozen=True, kw_only=True)
class Shards:
    """The shards of a streamed data set in random order, ten at a time, a document of each in turn.

    Documents are shuffled within each block. Memory: a block of texts, and what datasets holds of
    ten open files.
    """

    dataset: Any
    """The `IterableDataset` that is read; it must not be shuffled."""

    column: str
    """The column that holds the text; a row without one is left out."""

    seed: int
    """Seeds the order of the shards and the order within each block."""

    read: Callable[[Any], Any] = joined
    """Makes a document of what the column holds, or None of what is left out."""

    block_size: int = 10_000
    """Number of rows in a block."""

    num_documents: None = None
    """Number of documents, which is not known beforehand."""

    def blocks(self, after: dict[str, Any] | None = None) -> Iterator[Block]:
        """The blocks from a position on.

        A shard that was open there is read again from its beginning to that row, without its texts
        being used: datasets cannot jump within a file.
        """
        after = after or {"block": 0, "begun": 0, "open": []}
        number, begun = after["block"], after["begun"]
        order = np.random.default_rng(self.seed).permutation(self.dataset.num_shards).tolist()
        waiting = deque(self._shard(*held) for held in after["open"])
        while True:
            texts: list[Any] = []
            num_rows = 0
            while num_rows < self.block_size:
                while len(waiting) < _OPEN and begun < len(order):
                    waiting.append(self._shard(order[begun]))
                    begun += 1
                if not waiting:
                    break
                shard = waiting.popleft()
                row = shard.row()
                if row is not None:
                    waiting.append(shard)
                    num_rows += 1
                    text = self.read(row[self.column])
                    texts += [] if text is None else [text]
            if not num_rows:
                return
            mixed = np.random.default_rng([self.seed, number]).permutation(len(texts))
            number += 1
            held = [[shard.index, shard.place()] for shard in waiting]
            yield Block(
                [texts[place] for place in mixed],
                {"block": number, "begun": begun, "open": held},
            )

    def _shard(self, index: int, place: dict[str, Any] | None = None) -> _Shard:
        return _Shard(self.dataset, index, place)


class _Shard:
    """One shard, open at a row."""

    def __init__(self, dataset: Any, index: int, place: dict[str, Any] | None):
        self.index = index
        self._part = dataset.shard(num_shards=dataset.num_shards, index=index)
        self._loaded = place
        if place is not None:
            self._part.load_state_dict(place)
        self._rows = iter(self._part)

    def row(self) -> dict[str, Any] | None:
        """The next row; None after the last."""
        self._loaded = None
        return next(self._rows, None)

    def place(self) -> dict[str, Any]:
        """Position of the next row."""
        # Until it is read, a data set does not say which position it was given.
        return self._part.state_dict() if self._loaded is None else self._loaded
