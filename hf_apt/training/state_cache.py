"""Draws that come again, and what was made of them the first time, kept in memory.

Source: ours.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


class KeptStates:
    """Tensors by the number of a draw, at most `num_bytes` in all."""

    def __init__(self, num_bytes: int):
        self.num_bytes_left = num_bytes
        """Bytes that may still be kept."""
        self._kept: dict[int, tuple[Tensor, ...]] = {}

    def of(self, draw: int, compute: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """What `compute` returned for this draw; computed again where it was too much to keep."""
        if draw in self._kept:
            return self._kept[draw]
        tensors = compute()
        num_bytes = sum(tensor.nbytes for tensor in tensors)
        if num_bytes <= self.num_bytes_left:
            self._kept[draw] = tensors
            self.num_bytes_left -= num_bytes
        return tensors
