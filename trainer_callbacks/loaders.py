"""What a Trainer's evaluation loader serves, as batches that can be asked again and again."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from accelerate.data_loader import (
    BatchSamplerShard,
    DataLoaderDispatcher,
    DataLoaderShard,
    IterableDatasetShard,
)
from torch.utils.data import (
    DataLoader,
    DistributedSampler,
    IterableDataset,
    SequentialSampler,
)

from hf_apt.depths.collated_batches import (
    LabelledBatches,
    RepeatableBatches,
    ServedBatches,
)
from hf_apt.depths.held_state import HeldState
from hf_apt.models.devices import process_state

_ORDER = 2**40
"""Stands for a batch number where the order of the rows is drawn."""


def batches_of(loader: Any, seed: int, *, was_evaluated: bool) -> RepeatableBatches:
    """The batches that `loader` serves, row for row, those of all processes together.

    Rows that Accelerate repeats to give every process as many are left out. A loader that is no
    DataLoader is iterated as it is. Raises ValueError if the rows `was_evaluated` cannot be known
    again: where a sampler draws other rows each time, or a stream goes on where it was left.
    """
    if not _is_dataloader(loader):
        return ServedBatches(batches=loader, seed=seed)
    dataset = loader.dataset
    if isinstance(dataset, IterableDataset):
        return _streamed(loader, seed, must_restart=was_evaluated)
    sampler, is_whole_batches = _sampler(loader)
    indices = _indices(sampler, seed, must_repeat=was_evaluated)
    if not is_whole_batches:
        return ServedBatches(batches=_Items(dataset, loader.collate_fn, indices), seed=seed)
    return LabelledBatches(
        dataset=dataset,
        collate=loader.collate_fn,
        batch_size=0,
        seed=seed,
        indices=_without_incomplete_round(loader, indices),
    )


def is_shared_by_accelerate(loader: Any) -> bool:
    """Whether Accelerate gives each process its part of what the loader serves."""
    return issubclass(type(loader), DataLoaderShard | DataLoaderDispatcher)


@dataclass(frozen=True)
class _Items:
    """Data whose items are batches already (`DataLoader(..., batch_size=None)`)."""

    dataset: Any
    collate: Any
    indices: Sequence[Any] | None

    def __iter__(self) -> Iterator[Any]:
        if self.indices is None:
            yield from map(self.collate, self.dataset)
        else:
            for index in self.indices:
                yield self.collate(self.dataset[index])


def _is_dataloader(loader: Any) -> bool:
    """Whether it is torch's own, or Accelerate's around one, and not a subclass that does more."""
    inner = loader.base_dataloader if is_shared_by_accelerate(loader) else loader
    is_own = type(inner) is DataLoader or type(inner).__module__.startswith("torchdata")
    is_seeded_by_workers = (
        is_own
        and isinstance(inner.dataset, IterableDataset)
        and inner.num_workers > 0
        and inner.worker_init_fn is not None
    )
    return is_own and not is_seeded_by_workers


def _streamed(loader: Any, seed: int, *, must_restart: bool) -> RepeatableBatches:
    dataset, batch_size, num = loader.dataset, loader.batch_size, process_state().num_processes
    is_split = getattr(loader, "split_batches", False)
    if isinstance(dataset, IterableDatasetShard):
        batch_size, is_split = dataset.batch_size, dataset.split_batches
        dataset = dataset.dataset
    elif num > 1 and type(loader) is DataLoaderShard:
        raise ValueError(
            "this stream is cut into one part a process already: leave dispatch_batches as it is."
        )
    if batch_size is None:
        return ServedBatches(batches=_Items(dataset, loader.collate_fn, None), seed=seed)
    num_shared = num if is_shared_by_accelerate(loader) and not is_split else 1
    return LabelledBatches(
        dataset=dataset,
        collate=loader.collate_fn,
        batch_size=batch_size,
        seed=seed,
        whole_rounds=num_shared if _drops_the_rest(loader) else None,
        num_workers=loader.num_workers,
        must_restart=must_restart,
    )


def _sampler(loader: Any) -> tuple[Any, bool]:
    """What numbers the rows for all processes; and whether it numbers whole batches of them."""
    is_whole_batches = loader.batch_sampler is not None
    sampler = loader.batch_sampler if is_whole_batches else loader.sampler
    while isinstance(sampler, BatchSamplerShard):
        sampler = sampler.batch_sampler
    inner = getattr(sampler, "sampler", None)
    if isinstance(inner, DistributedSampler):
        sampler = copy.copy(sampler)
        sampler.sampler = _of_one_process(inner)
    elif isinstance(sampler, DistributedSampler):
        sampler = _of_one_process(sampler)
    return sampler, is_whole_batches


def _of_one_process(sampler: DistributedSampler) -> DistributedSampler:
    """A sampler like `sampler`, of one process that has all rows once."""
    alone = copy.copy(sampler)
    alone.num_replicas, alone.rank = 1, 0
    alone.num_samples = alone.total_size = len(sampler.dataset)  # pyright: ignore
    return alone


def _indices(sampler: Any, seed: int, *, must_repeat: bool) -> list[Any]:
    """The order of the rows or batches, the same at every measurement."""
    order = _drawn(sampler, seed, _ORDER)
    if type(getattr(sampler, "sampler", sampler)) is SequentialSampler or not must_repeat:
        return order
    if _rows_of(order) != _rows_of(_drawn(sampler, seed, _ORDER + 1)):
        name = type(getattr(sampler, "sampler", sampler)).__name__
        raise ValueError(
            f"the evaluation loader's {name} draws other rows each time, so that those that were "
            "evaluated are not known: give the callback an eval_dataset of rows."
        )
    return order


def _drawn(sampler: Any, seed: int, number: int) -> list[Any]:
    state = HeldState(sampler)
    with state.kept(), state.seeded(seed, number):
        return [list(item) if isinstance(item, Sequence) else item for item in sampler]


def _rows_of(order: list[Any]) -> list[Any]:
    """All rows of an order, in one that does not depend on it."""
    rows = [row for item in order for row in (item if isinstance(item, list) else [item])]
    return sorted(rows, key=lambda row: (str(type(row)), row))


def _without_incomplete_round(loader: Any, indices: list[Any]) -> list[Any]:
    """Without the batches that Accelerate leaves out for all processes to have as many."""
    shard = loader.batch_sampler
    if not isinstance(shard, BatchSamplerShard) or not shard.drop_last or shard.split_batches:
        return indices
    return indices[: len(indices) // shard.num_processes * shard.num_processes]


def _drops_the_rest(loader: Any) -> bool:
    return bool(getattr(loader, "_drop_last", False) or loader.drop_last)
