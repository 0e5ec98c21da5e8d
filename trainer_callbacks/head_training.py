"""Heads trained for every depth of a frozen trunk by a plain loop, inside somebody else's training.

`hf_apt.training.head_training` trains the same heads by a Trainer of its own, on tokens of a file.
Here another Trainer holds the data and the devices: nothing of it may be used or changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, count, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset
from transformers import get_linear_schedule_with_warmup

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.collated_batches import LabelledBatches, RepeatableBatches
from hf_apt.depths.head_config import HeadConfig, HeadKind
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.sweep import VocabularySweep
from hf_apt.depths.trunk import Trunk


class TrainedHeads:
    """Heads of one kind as a decoder of hidden states of any precision."""

    def __init__(self, heads: DepthHeads):
        self.heads = heads

    def __call__(self, hidden_DNH: Tensor) -> Tensor:
        """The predicted ids (D, N); of equal logits the lowest id."""
        return self.heads(hidden_DNH.float())

    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        """For each depth the predicted ids and the cross-entropy of the targets, from one read."""
        return self.heads.sweep(hidden_DNH.float(), targets_N)


def train_heads(
    trunk: Trunk, batches: Iterable[AskedBatch], kinds: Sequence[HeadKind], config: HeadConfig
) -> dict[HeadKind, DepthHeads]:
    """Heads of each of `kinds`, in float32, trained for all depths on one step for each batch.

    A step is one forward pass of the trunk, without gradients, and one step of AdamW for each head,
    on its mean cross-entropy over the asked positions of the batch. Decoders start from the model's
    own output embeddings where these have the right shape. Global random numbers are left as they
    were. Of `config` the learning rate, its schedule over `num_steps`, and the seed are used.

    Raises ValueError if no batch asks for anything.
    """
    device = trunk.model.device
    vocab_size = trunk.model.config.vocab_size
    heads: dict[HeadKind, DepthHeads] = {
        kind: DepthHeads.begun(kind, trunk, vocab_size, seed=config.seed).to(device)
        for kind in kinds
    }
    weights = list(chain.from_iterable(each.parameters() for each in heads.values()))
    optimizer = torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=0.0)
    num_warmup = max(config.num_steps // 20, 1)
    schedule = get_linear_schedule_with_warmup(optimizer, num_warmup, config.num_steps)
    num_asked = 0
    with torch.enable_grad():
        for batch in batches:
            inputs = {name: values.to(device) for name, values in batch.inputs.items()}
            hidden_DNH = trunk.at(inputs, batch.asked_BT).float()
            labels_N = torch.from_numpy(batch.references_N).to(device)
            losses = [
                each.loss(hidden_DNH, labels_N, divisor=len(labels_N)) for each in heads.values()
            ]
            optimizer.zero_grad()
            torch.stack(losses).sum().backward()
            optimizer.step()
            schedule.step()
            num_asked += len(labels_N)
    if not num_asked:
        raise ValueError(
            "the training data has no rows, or no label other than -100: heads cannot be trained."
        )
    return {kind: each.eval().requires_grad_(False) for kind, each in heads.items()}


def training_batches(
    data: RepeatableBatches, config: HeadConfig
) -> Iterator[tuple[np.ndarray, Any]]:
    """The batches of `config.num_steps` steps, each after the numbers of its rows.

    Rows come in an order that is drawn for every epoch, from (seed, epoch), `batch_size` of
    them a batch; those of a stream in its own order, again and again; what comes as ready batches
    stays as it is. A row is collated under other random numbers each time. Whatever can be reached
    from the data is as it was once the generator has ended or is closed.
    """
    if isinstance(data, LabelledBatches) and not isinstance(data.dataset, IterableDataset):
        yield from replace(data, indices=_drawn_rows(data, config), seed=config.seed).part()
        return
    num_left = config.num_steps
    for number in count():
        before = num_left
        with closing(_again(data, config, number).part()) as batches:
            for batch in islice(batches, num_left):
                yield batch
                num_left -= 1
        if num_left in (0, before):
            return


def _again(data: Any, config: HeadConfig, number: int) -> RepeatableBatches:
    """The stream or the ready batches as they are read for the time `number`."""
    seed = config.seed + number
    if isinstance(data, LabelledBatches):
        return replace(data, seed=seed, batch_size=config.batch_size, whole_rounds=None)
    return replace(data, seed=seed)


def _drawn_rows(data: LabelledBatches, config: HeadConfig) -> list[list[Any]]:
    """The rows of each step's batch; none if the data has no rows."""
    rows: Sequence[Any] = range(0)
    if data.indices is not None:
        rows = list(chain.from_iterable(data.indices))
    else:
        rows = range(len(data.dataset))
    if not rows:
        return []
    num = config.num_steps * config.batch_size
    num_epochs = -(-num // len(rows))
    orders = (
        np.random.default_rng([config.seed, epoch]).permutation(len(rows))
        for epoch in range(num_epochs)
    )
    drawn = [rows[place] for place in chain.from_iterable(order.tolist() for order in orders)][:num]
    return [drawn[start : start + config.batch_size] for start in range(0, num, config.batch_size)]
