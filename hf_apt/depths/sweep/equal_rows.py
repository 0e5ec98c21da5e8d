"""Rows that are equal to the bit, decoded once."""
# N positions, H hidden width.

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def once_each(decode: Callable[[Tensor], Tensor], hidden_NH: Tensor) -> Tensor:
    """What `decode` makes of each row, asked once for rows that are equal to the bit.

    At the embeddings they are few: a masked position is known by its place alone.
    """
    if hidden_NH.device.type != "cpu" or hidden_NH.dtype != torch.float32 or not len(hidden_NH):
        return decode(hidden_NH)
    rows_N = hidden_NH.contiguous().numpy().view(f"V{hidden_NH.shape[1] * 4}")[:, 0]
    _, first, inverse_N = np.unique(rows_N, return_index=True, return_inverse=True)
    return decode(hidden_NH[torch.from_numpy(first)])[torch.from_numpy(inverse_N)]
