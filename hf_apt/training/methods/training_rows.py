"""Training rows read once more beside the training, without disturbing its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

_BATCH_SIZE = 32


def some_rows(loader: Any, num: int | None, name: str) -> list[int]:
    """The numbers of `num` rows of a training's data, evenly spread; of all if None.

    Raises ValueError for data that cannot be read by number, which `name` has to.
    """
    try:
        size = len(loader.dataset)
    except (TypeError, NotImplementedError) as error:
        raise ValueError(
            f"{name} reads training rows by their number, and this data set is a stream: give one "
            "with a length."
        ) from error
    num = size if num is None else min(num, size)
    return np.linspace(0, size - 1, num).round().astype(int).tolist()


def row_batches(
    loader: Any, rows: Sequence[int], device: torch.device, *, labels: bool = False
) -> Iterator[dict[str, Any]]:
    """Batches of up to 32 of these rows, collated as in training and on the device of the model.

    Args:
        loader: the Trainer's loader of training data.
        rows: numbers of rows, in the order in which they are given.
        device: where the batches go.
        labels: leave `labels` in, else the model computes no loss. A `weight` of the loss is left
            out.
    """
    for start in range(0, len(rows), _BATCH_SIZE):
        part = rows[start : start + _BATCH_SIZE]
        batch = loader.collate_fn([loader.dataset[row] for row in part])
        yield {
            name: value.to(device) if isinstance(value, torch.Tensor) else value
            for name, value in batch.items()
            if name != "weight" and (labels or name != "labels")
        }
