"""Any data set with labels, as batches that ask for tokens: the same ones at every pass.

A data set and a collator are what a Trainer has. Here batch number b is always the same rows, read
and collated under random numbers of its own, (seed, b): masks that the collator draws are the same
at every pass and on any number of processes, whole-word masks and masks made beforehand included.
The next reader of the data reads what it would have read.

Rows are numbered as they stand in the data set, whatever the order in which they are read: errors
over stretches of text take neighbouring numbers for neighbouring text. Where a row's place is not
known, in a stream and in batches that come ready, the order read is taken for that of the text.
"""
# B rows of a batch, R rows that are read.

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import IterableDataset

from hf_apt.depths.held_state import HeldState
from hf_apt.depths.stream_reader import StreamReader

NumberedBatches = Generator[tuple[Int[np.ndarray, " rows"], Any], None, None]


class RepeatableBatches(Protocol):
    """Batches in an order, the same ones at every pass."""

    def part(self, index: int = 0, num_parts: int = 1) -> NumberedBatches:
        """Every `num_parts`-th batch, from number `index` on, after the numbers of its rows."""
        ...

    def num_batches(self, index: int = 0, num_parts: int = 1) -> int | None:
        """How many batches `part` yields; None where that is not known."""
        ...

    def state(self) -> HeldState:
        """What is in reach of the data."""
        ...


@dataclass(frozen=True, kw_only=True)
class LabelledBatches:
    """The batches of a data set, in its order or in that of `indices`."""

    dataset: Any
    """Rows by number, or one after the other (`IterableDataset`)."""

    collate: Callable[[list[Any]], Any]
    """Function from rows to a batch with `input_ids` and `labels`."""

    batch_size: int
    """Rows of one batch of a data set without `indices`."""

    seed: int = 2509
    """Seed of what the collator draws."""

    indices: Sequence[Sequence[Any]] | None = None
    """The rows of each batch, by number."""

    whole_rounds: int | None = None
    """Number of batches that a stream is read by: what does not fill that number is left out. If
    None, nothing is left out."""

    num_workers: int = 0
    """Workers that share a stream; a stream is asked once for each of them."""

    must_restart: bool = False
    """Whether a stream that goes on where it was left is refused."""

    def state(self) -> HeldState:
        """What is in reach of the data set and the collator."""
        return HeldState(self.dataset, self.collate)

    def part(self, index: int = 0, num_parts: int = 1) -> NumberedBatches:
        """Every `num_parts`-th batch, from number `index` on, after the numbers of its rows.

        Raises ValueError for data that can be read once only.
        """
        state = self.state()
        with state.kept():
            if isinstance(self.dataset, IterableDataset):
                yield from self._streamed_part(state, index, num_parts)
                return
            numbered = zip(_row_numbers(self._indices()), self._indices(), strict=True)
            for number, (numbers_R, indices) in enumerate(numbered):
                if number % num_parts == index:
                    with state.seeded(self.seed, number):
                        batch = self.collate(_rows(self.dataset, list(indices)))
                    yield _collated_numbers(numbers_R, batch), batch

    def num_batches(self, index: int = 0, num_parts: int = 1) -> int | None:
        """How many batches `part` yields; None where the data set does not know its length."""
        if isinstance(self.dataset, IterableDataset):
            return None
        return len(range(len(self._indices()))[index::num_parts])

    def _indices(self) -> Sequence[Sequence[Any]]:
        if self.indices is not None:
            return self.indices
        num_rows = len(self.dataset)
        starts = range(0, num_rows, self.batch_size)
        return [range(start, min(start + self.batch_size, num_rows)) for start in starts]

    def _streamed_part(self, state: HeldState, index: int, num_parts: int) -> NumberedBatches:
        """All rows are read in every process, so that what reading draws is the same everywhere."""
        waiting: list[tuple[np.ndarray, Any]] = []
        first_row, num_full = 0, 0
        first: list[Any] | None = None
        reader = StreamReader(self.dataset, self.batch_size, self.num_workers)
        for number in count():
            with state.seeded(self.seed, number):
                rows = reader.rows()
                if rows is None:
                    break
                first = rows if first is None else first
                is_full = len(rows) == self.batch_size
                is_wanted = is_full or self.whole_rounds is None
                if is_wanted and number % num_parts == index:
                    batch, numbers_R = (
                        self.collate(rows),
                        np.arange(first_row, first_row + len(rows)),
                    )
                    waiting.append((_collated_numbers(numbers_R, batch), batch))
            first_row += len(rows)
            num_full += is_full
            if self.whole_rounds is None or (is_full and num_full % self.whole_rounds == 0):
                yield from waiting
                waiting = []
        if self.must_restart and first is not None and state.has_changed():
            with state.seeded(self.seed, 0):
                again = StreamReader(self.dataset, self.batch_size, self.num_workers).rows()
            if not equal(again, first):
                raise ValueError(
                    f"the evaluation data, a {type(self.dataset).__name__}, go on where they were "
                    "left, so that the rows that were evaluated cannot be read again: give the "
                    "callback an eval_dataset of rows."
                )


@dataclass(frozen=True, kw_only=True)
class ServedBatches:
    """Batches that come ready from something that can be iterated again and again.

    Each process reads all of them, and keeps its part.
    """

    batches: Iterable[Any]
    """Dictionaries with `input_ids` and `labels`."""

    seed: int = 2509
    """Seed of what is drawn when a batch is made."""

    def state(self) -> HeldState:
        """What is in reach of the batches."""
        return HeldState(self.batches)

    def part(self, index: int = 0, num_parts: int = 1) -> NumberedBatches:
        """Every `num_parts`-th batch, from number `index` on, after the numbers of its rows.

        Raises ValueError for what can be read once only.
        """
        state = self.state()
        with state.kept():
            first_row = 0
            with state.seeded(self.seed, 0):
                served = iter(self.batches)
            if served is self.batches:
                raise ValueError(
                    f"the evaluation batches are a {type(served).__name__}, which can be read once "
                    "only: give the callback an eval_dataset of rows."
                )
            for number in count():
                with state.seeded(self.seed, number):
                    batch = next(served, None)
                if batch is None:
                    return
                next_row = first_row + _num_rows(batch)
                if number % num_parts == index:
                    yield np.arange(first_row, next_row), batch
                first_row = next_row

    def num_batches(self, index: int = 0, num_parts: int = 1) -> int | None:
        """How many batches `part` yields; None where that is not known."""
        try:
            return len(range(len(self.batches))[index::num_parts])  # pyright: ignore
        except (TypeError, OverflowError):
            return None


def digest(data: RepeatableBatches) -> str:
    """Tells batches from others: what `part` yields, in its order."""
    sha = hashlib.sha256()
    for numbers_B, batch in data.part():
        sha.update(str(numbers_B.tolist()).encode())
        for name, values in batch.items() if isinstance(batch, Mapping) else ():
            shown = values.cpu().numpy().tobytes() if isinstance(values, Tensor) else repr(values)
            sha.update(str(name).encode())
            sha.update(shown if isinstance(shown, bytes) else shown.encode())
    return sha.hexdigest()


def equal(one: Any, other: Any) -> bool:
    """Whether two rows, or whatever they are made of, hold the same."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)


def _row_numbers(indices: Sequence[Sequence[Any]]) -> list[Int[np.ndarray, " rows"]]:
    """The numbers of each batch's rows, without gaps: as they stand in the data set.

    A row that is read twice has one number. Rows whose indices are no whole numbers are numbered as
    they are read.
    """
    num_rows = [len(batch) for batch in indices]
    try:
        places_R = np.fromiter(map(operator.index, chain.from_iterable(indices)), np.int64)
        numbers_R = np.unique(places_R, return_inverse=True)[1]
    except (TypeError, OverflowError):
        numbers_R = np.arange(sum(num_rows))
    ends = np.cumsum(num_rows, dtype=np.int64)
    return [numbers_R[end - num : end] for end, num in zip(ends, num_rows, strict=True)]


def _collated_numbers(numbers_R: Int[np.ndarray, " rows"], batch: Any) -> np.ndarray:
    """The number of each row of a batch, which a collator may have joined or cut from those read.

    Joined rows have the number of their first; the pieces of a row that of the row, if all rows are
    cut into as many.
    """
    num_rows = _num_rows(batch)
    return numbers_R[np.arange(num_rows) * len(numbers_R) // max(num_rows, 1)]


def _num_rows(batch: Any) -> int:
    ids = batch.get("input_ids") if isinstance(batch, Mapping) else None
    return len(ids) if isinstance(ids, Tensor) else 0


def _rows(dataset: Any, indices: list[Any]) -> Any:
    """What a DataLoader would hand to the collator."""
    if hasattr(dataset, "__getitems__"):
        return dataset.__getitems__(indices)
    return [dataset[index] for index in indices]
