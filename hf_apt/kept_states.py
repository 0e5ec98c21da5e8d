"""Draws that come again, and what was made of them the first time, kept in memory. Ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset


class RepeatedDraws(Dataset):
    """The draws of another data set, `num_distinct` of them again and again.

    A batch holds their numbers, too: `draws`, int64 (batch,), from 0 to `num_distinct` - 1.
    """

    def __init__(self, draws: Any, *, num_draws: int, num_distinct: int):
        self.draws, self.num_draws, self.num_distinct = draws, num_draws, num_distinct

    def __len__(self) -> int:
        return self.num_draws

    def __getitems__(self, draws: list[int]) -> dict[str, Tensor]:
        """A batch at once."""
        distinct = [draw % self.num_distinct for draw in draws]
        return self.draws.__getitems__(distinct) | {"draws": torch.tensor(distinct)}


class KeptStates:
    """Tensors by the number of a draw, at most `num_bytes` in all."""

    def __init__(self, num_bytes: int):
        self.num_bytes_left = num_bytes
        """What may be kept still."""
        self._kept: dict[int, tuple[Tensor, ...]] = {}

    def of(self, draw: int, compute: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """What `compute` returned for this draw; computed again where it was too much to keep."""
        if draw in self._kept:
            return self._kept[draw]
        found = compute()
        num_bytes = sum(tensor.nbytes for tensor in found)
        if num_bytes <= self.num_bytes_left:
            self._kept[draw] = found
            self.num_bytes_left -= num_bytes
        return found
