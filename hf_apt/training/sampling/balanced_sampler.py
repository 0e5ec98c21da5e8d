"""The order of balanced batches as a sampler, and the callback that gives it to a Trainer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import Sampler
from transformers import TrainerCallback

from hf_apt.training.sampling.balanced_order import balanced_order

_LABELS = ("labels", "label")


class BalancedSampler(Sampler[int]):
    """Places of examples in the order of `balanced_order`, another one in every epoch.

    Args:
        labels_N: the class of each example.
        strength: how even classes are, in [0, 1].
        seed: of the order.
    """

    def __init__(self, labels_N: np.ndarray, strength: float, seed: int):
        self.labels_N, self.strength, self.seed = labels_N, strength, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Read the order of this epoch from now on."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order_N = balanced_order(self.labels_N, self.strength, self.seed, self.epoch)
        return iter(order_N.tolist())

    def __len__(self) -> int:
        return len(self.labels_N)


class BalancedBatchesCallback(TrainerCallback):
    """Gives the Trainer's loader of training examples another order.

    Args:
        name: of the method, for messages.
        strength: how even classes are, in [0, 1].
    """

    def __init__(self, name: str, strength: float):
        self.name, self.strength = name, strength

    def on_train_begin(
        self, args: Any, state: Any, control: Any, *, train_dataloader: Any = None, **kwargs: Any
    ) -> None:
        """Change the order of the examples.

        Raises ValueError for examples without one class each, and where a Trainer has no loader
        whose order can be changed.
        """
        if self.strength == 0:
            return
        if not hasattr(train_dataloader, "set_sampler") or args.train_sampling_strategy == (
            "batch_rebalance"
        ):
            raise ValueError(
                f"{self.name} changes the order of the Trainer's own loader: leave out "
                "IterableDataset and train_sampling_strategy='batch_rebalance'."
            )
        labels_N = _labels(train_dataloader.dataset, self.name)
        sampler = BalancedSampler(labels_N, self.strength, args.seed)
        train_dataloader.set_sampler(sampler)


def _labels(dataset: Any, name: str) -> np.ndarray:
    """The class of each example."""
    first = dataset[0] if len(dataset) else {}
    column = next((each for each in _LABELS if each in first), None)
    if column is None:
        raise ValueError(
            f"the training examples have no column {' or '.join(_LABELS)}: {name} is for "
            "classification."
        )
    if hasattr(dataset, "column_names"):
        labels_N = np.asarray(dataset[column])
    else:
        labels_N = np.asarray([row[column] for row in dataset])
    if labels_N.ndim != 1 or not np.issubdtype(labels_N.dtype, np.integer):
        raise ValueError(
            f"the labels are of shape {labels_N.shape} and type {labels_N.dtype}: {name} takes one "
            "class for each example."
        )
    return labels_N
