"""What the device can do at best."""

from __future__ import annotations

from ..ratio import limit
from .sizes import Sizes
from .timing import random, seconds


def square_rate(sizes: Sizes) -> float:
    """FLOPs a second of a square product in bfloat16; others are reported beside it."""
    squares = [random(sizes.square, sizes.square) for _ in range(2)]
    rate = 2 * sizes.square**3 / seconds(lambda: squares[0] @ squares[1], 10)
    wide, narrow = random(sizes.rows[0], sizes.hidden_size), random(30_528, sizes.hidden_size)
    product = 2 * wide.numel() * len(narrow) / seconds(lambda: wide @ narrow.T, 10)
    copied = squares[0].nbytes * 2 / seconds(lambda: squares[0].clone(), 10)
    for name, value, unit in (
        (f"bf16 product of {sizes.square} x {sizes.square}", rate / 1e12, "TFLOP/s"),
        ("bf16 product with the vocabulary", product / 1e12, "TFLOP/s"),
        ("copy", copied / 1e12, "TB/s"),
    ):
        limit(name, ours=value, unit=unit)
    return rate
