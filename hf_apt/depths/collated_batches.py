"""Any data set with labels, as batches that ask for tokens: the same ones at every pass.

A data set and a collator are what a Trainer has. Here batch number b is always the same rows, read
and collated under random numbers of its own, (seed, b): masks that the collator draws are the same
at every pass and on any number of processes, whole-word masks and masks made beforehand included.
"""

from __future__ import annotations

import copy
import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import IterableDataset

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.stats.counts import NOT_ASKED, TREATMENTS

if TYPE_CHECKING:
    from hf_apt.depths.trunk import Trunk

_MASKED, _REPLACED, _UNCHANGED = range(len(TREATMENTS))


@dataclass(frozen=True, kw_only=True)
class LabelledBatches:
    """The batches of a data set, in its order."""

    dataset: Any
    """Rows by number, or one after the other (`IterableDataset`)."""

    collate: Callable[[list[Any]], Any]
    """From rows to a batch with `input_ids` and `labels`."""

    batch_size: int
    """Rows of one batch."""

    seed: int = 2509
    """Seed of what the collator draws."""

    def part(self, index: int = 0, num_parts: int = 1) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """Every `num_parts`-th batch, from number `index` on, after the number of its first row."""
        if isinstance(self.dataset, IterableDataset):
            yield from self._streamed_part(index, num_parts)
            return
        starts = range(0, len(self.dataset), self.batch_size)
        for number in range(len(starts))[index::num_parts]:
            end = min(starts[number] + self.batch_size, len(self.dataset))
            with _own_random_numbers(self.seed, number) as own:
                rows = _rows(self.dataset, list(range(starts[number], end)))
                batch = dict(_fresh(self.collate, own)(rows))
            yield starts[number], batch

    def num_batches(self, index: int = 0, num_parts: int = 1) -> int | None:
        """How many batches `part` yields; None where the data set does not know its length."""
        if isinstance(self.dataset, IterableDataset):
            return None
        return len(range(0, len(self.dataset), self.batch_size)[index::num_parts])

    def _streamed_part(self, index: int, num_parts: int) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """All rows are read, whoever collates them: what reading draws is the same everywhere."""
        rows_left = iter(self.dataset)
        for number in count():
            with _own_random_numbers(self.seed, number) as own:
                rows = list(islice(rows_left, self.batch_size))
                if not rows:
                    return
                is_ours = number % num_parts == index
                batch = dict(_fresh(self.collate, own)(rows)) if is_ours else {}
            if is_ours:
                yield number * self.batch_size, batch


def labels_asked(
    batch: dict[str, Tensor], first_row: int, trunk: Trunk, mask_id: int | None
) -> AskedBatch:
    """What a labelled batch asks of a model: of a masked LM the tokens under labels other than
    -100, of a causal one the next token at each position before such a label. Its rows count as
    sequences, numbered from `first_row` on.

    A masked LM's positions are told apart by what they show: `mask_id`, the label itself, or
    something else; without a `mask_id` everything but the label counts as masked. A causal LM never
    sees the token in question: its positions all count as masked.

    Raises ValueError if the batch has no labels of the shape of its `input_ids`, or if one of these
    is outside the vocabulary, which an accelerator would not survive.
    """
    ids_BT = batch["input_ids"].cpu()
    labels_BT = batch.get("labels")
    if labels_BT is None or labels_BT.shape != ids_BT.shape:
        raise ValueError(
            f"a batch has the columns {', '.join(batch)} and no labels of the shape of input_ids, "
            f"{tuple(ids_BT.shape)}: give a collator that makes them, such as "
            "DataCollatorForLanguageModeling."
        )
    labels_BT = labels_BT.cpu()
    _refuse_unknown(ids_BT, trunk.model.config.vocab_size)
    causal = is_causal(trunk.model)
    if causal:
        labels_BT = nn.functional.pad(labels_BT[:, 1:], (0, 1), value=NOT_ASKED)
    asked_BT = labels_BT != NOT_ASKED
    references_N = labels_BT[asked_BT].numpy()
    shown_N = ids_BT[asked_BT].numpy()
    treatments_N = np.full(len(references_N), _MASKED, np.uint8)
    if not causal:
        treatments_N[shown_N == references_N] = _UNCHANGED
        if mask_id is not None:
            treatments_N[(shown_N != references_N) & (shown_N != mask_id)] = _REPLACED
    known = inspect.signature(trunk.module.forward).parameters
    inputs = {name: values for name, values in batch.items() if name in known and name != "labels"}
    return AskedBatch(
        inputs=inputs,
        asked_BT=asked_BT,
        references_N=references_N,
        sequences_N=first_row + asked_BT.nonzero()[:, 0].numpy(),
        treatments_N=treatments_N,
    )


def is_causal(model: nn.Module) -> bool:
    """Whether `model` predicts the next token: so it is unless transformers lists its class among
    the masked language models, or its name says so."""
    from transformers.models.auto import modeling_auto

    name = type(model).__name__
    listed = modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES.values()
    return not (name in listed or name.endswith("ForMaskedLM"))


@contextmanager
def random_numbers_kept() -> Iterator[None]:
    """Within the block random numbers may be drawn; afterwards all generators are as they were."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what collators use
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


@contextmanager
def _own_random_numbers(seed: int, number: int) -> Iterator[int]:
    """Within the block all random numbers are those of batch `number`; its seed."""
    own = int(np.random.default_rng([seed, number]).integers(2**31))
    with random_numbers_kept():
        random.seed(own)
        np.random.seed(own)  # noqa: NPY002
        torch.default_generator.manual_seed(own)
        yield own


def _refuse_unknown(ids_BT: Tensor, vocab_size: int) -> None:
    unknown = ids_BT[(ids_BT < 0) | (ids_BT >= vocab_size)]
    if len(unknown):
        raise ValueError(
            f"input id {int(unknown[0])} is outside the vocabulary of {vocab_size} tokens."
        )


def _rows(dataset: Any, indices: list[int]) -> Any:
    """What a DataLoader would hand to the collator."""
    if hasattr(dataset, "__getitems__"):
        return dataset.__getitems__(indices)
    return [dataset[index] for index in indices]


def _fresh(collate: Any, seed: int) -> Any:
    """A collator like `collate`, with a generator of its own where that one has a seeded one."""
    collate = copy.copy(collate)
    if hasattr(collate, "data_collator"):  # the Trainer's, around the user's
        collate.data_collator = _fresh(collate.data_collator, seed)
    if getattr(collate, "seed", None) is not None:
        collate.seed, collate.generator = seed, None
    return collate
