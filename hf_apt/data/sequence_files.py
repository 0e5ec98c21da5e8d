"""Sequences in files that grow at the end and can be cut back to a mark."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from hf_apt.data.text_counts import TextCounts

_LENGTH = np.dtype(np.uint32)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The contents of the files at one moment; `dataclasses.asdict` makes it JSON."""

    num_sequences: int = 0
    """Number of sequences in the files."""

    num_tokens: int = 0
    """Number of ids in the files."""

    waiting: list[int] = field(default_factory=list)
    """Ids that do not fill a sequence yet."""

    text: dict[str, int] = field(default_factory=dict)
    """Fields of the `TextCounts` of what was read."""


class SequenceFiles:
    """Sequences of token ids, appended to `ids` and their lengths to `lengths`.

    Both files are cut back to `mark`, so that what was appended after it is dropped. Raises
    ValueError if they are shorter than that. Memory: what was appended since the last flush.
    """

    def __init__(self, ids: Path, lengths: Path, dtype: np.dtype, mark: Mark | None = None):
        mark = mark or Mark()
        self.num_sequences, self.num_tokens = mark.num_sequences, mark.num_tokens
        self.waiting = list(mark.waiting)
        """Ids that do not fill a sequence yet, for `Cutter.cut`."""
        self.text = TextCounts(**mark.text)
        """What was read, for `Cutter.cut`."""
        self._dtype, self._lengths_path = dtype, lengths
        self._ids = cut_back(ids, mark.num_tokens * dtype.itemsize)
        self._lengths = cut_back(lengths, mark.num_sequences * _LENGTH.itemsize)

    def append(self, sequences: Iterable[list[int]]) -> None:
        """Add sequences at the end."""
        for sequence in sequences:
            self._ids.write(np.asarray(sequence, self._dtype).tobytes())
            self._lengths.write(_LENGTH.type(len(sequence)).tobytes())
            self.num_sequences += 1
            self.num_tokens += len(sequence)

    @property
    def num_waiting(self) -> int:
        """Number of ids that do not fill a sequence yet."""
        return len(self.waiting)

    def mark(self) -> Mark:
        """The present contents, all of them flushed to disk."""
        for file in (self._ids, self._lengths):
            file.flush()
            os.fsync(file.fileno())
        return Mark(
            num_sequences=self.num_sequences,
            num_tokens=self.num_tokens,
            waiting=list(self.waiting),
            text=asdict(self.text),
        )

    def starts(self) -> np.ndarray:
        """Where each sequence starts, and where the last one ends, int64."""
        self._lengths.flush()
        lengths = np.fromfile(self._lengths_path, _LENGTH)
        starts = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=starts[1:])
        return starts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ids.close()
        self._lengths.close()


def cut_back(path: Path, size: int) -> BinaryIO:
    """`path`, cut back to `size` bytes and open at its end; made where it is not there.

    Raises ValueError if it is shorter than that.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    if path.stat().st_size < size:
        raise ValueError(f"{path} is shorter than the {size} bytes that were recorded.")
    os.truncate(path, size)
    return path.open("ab")
