"""SplitMix64, a counter-based generator: each number of a stream can be had alone.

The n-th number of a stream, from n = 1, is the mix of the stream's key plus n times `STEP`, all of
it modulo 2^64 (Steele, Lea and Flood 2014). Numbers of one stream are keys of others. NumPy has
unsigned numbers of 64 bits; those of torch have a sign, and the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64, UInt64

if TYPE_CHECKING:
    from torch import Tensor

_STEP = 0x9E3779B97F4A7C15
_FACTORS = (0xBF58476D1CE4E5B9, 27), (0x94D049BB133111EB, 31)
"""What is multiplied by, and how far is shifted to the right after it."""


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number


STEP = np.uint64(_STEP)
"""From the state of one number of a stream to that of the next."""

SIGNED_STEP = _signed(_STEP)
"""`STEP`, of the same 64 bits, read with a sign."""


def mixed(numbers: UInt64[np.ndarray, ...]) -> UInt64[np.ndarray, ...]:
    """The mix of each number: `numbers` itself, overwritten, of any shape."""
    shifted = numbers >> np.uint64(30)
    for factor, shift in _FACTORS:
        numbers ^= shifted
        numbers *= np.uint64(factor)
        np.right_shift(numbers, np.uint64(shift), out=shifted)
    numbers ^= shifted
    return numbers


def mixed_signed(numbers: Int64[Tensor, ...]) -> Int64[Tensor, ...]:
    """The mix of each number, a new tensor of the same shape: the 64 bits that `mixed` gives."""
    shifted = shifted_right(numbers, 30)
    for factor, shift in _FACTORS:
        numbers = (numbers ^ shifted) * _signed(factor)
        shifted = shifted_right(numbers, shift)
    return numbers ^ shifted


def shifted_right(numbers: Int64[Tensor, ...], by: int) -> Int64[Tensor, ...]:
    """`numbers`, as 64 bits without a sign, shifted to the right by 1 to 63 places."""
    return (numbers >> by) & ((1 << (64 - by)) - 1)
