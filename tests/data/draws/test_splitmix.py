"""SplitMix64 against its published outputs and against Python's integers, in NumPy and in torch."""

import numpy as np
import torch

from hf_apt.data.draws.splitmix import SIGNED_STEP, STEP, mixed, mixed_signed, shifted_right

PUBLISHED = (
    *(6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431),
    16408922859458223821,
)
"""The first numbers from the state 1234567, by Vigna's splitmix64.c."""

ALL_BITS = (1 << 64) - 1


def by_integers(state: int) -> int:
    for factor, shift in ((0xBF58476D1CE4E5B9, 30), (0x94D049BB133111EB, 27)):
        state = ((state ^ (state >> shift)) * factor) & ALL_BITS
    return state ^ (state >> 31)


def test_numbers_are_the_published_ones():
    numbers = np.arange(1, 6, dtype=np.uint64) * STEP + np.uint64(1234567)
    assert tuple(mixed(numbers.copy()).tolist()) == PUBLISHED
    signed = torch.arange(1, 6) * SIGNED_STEP + 1234567
    assert tuple(mixed_signed(signed).numpy().view(np.uint64).tolist()) == PUBLISHED


def test_any_bits_are_mixed_alike():
    some = np.random.default_rng(0).integers(0, 2**64, (40, 5), dtype=np.uint64)
    some[0] = 0, 1, 2**63, 2**63 - 1, ALL_BITS
    signed = torch.from_numpy(some.view(np.int64).copy())
    expected = np.vectorize(by_integers, otypes=[np.uint64])(some.astype(object))
    assert np.array_equal(mixed_signed(signed).numpy().view(np.uint64), expected)
    assert np.array_equal(signed.numpy().view(np.uint64), some)
    for by in (1, 11, 63):
        assert np.array_equal(shifted_right(signed, by).numpy(), (some >> np.uint64(by)).view("i8"))
    assert mixed(some) is some
    assert np.array_equal(some, expected)
