"""Laws of a device's matrix rate: FLOPs of the fastest product over its time; no side effect."""

from collections.abc import Callable

import pytest
import torch

from hf_apt.training.costs import matrix_rate as module
from hf_apt.training.costs.matrix_rate import matrix_rate

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    """Squares of 16 x 16: 8,192 FLOPs."""
    monkeypatch.setattr(module, "_SIDE", {"cpu": 16})


def clock_of(*seconds: float) -> tuple[list[float], Callable[[], float]]:
    """A clock by which products take so long, one after the other, and what it has yet to say."""
    looks = [0.0]
    for number, duration in enumerate(seconds):
        looks += [looks[-1] + duration] if not number else [looks[-1], looks[-1] + duration]
    return looks, lambda: looks.pop(0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_rate_is_that_of_the_fastest_product_but_the_first(dtype):
    left, clock = clock_of(0.5, 3, 2, 4)
    assert matrix_rate(CPU, dtype, seconds=8, clock=clock) == 8192 / 2
    assert left == []  # 3 + 2 s are not 8 yet, with 4 they are


def test_one_product_at_least_is_timed():
    left, clock = clock_of(1, 64, 1)
    assert matrix_rate(CPU, torch.float32, seconds=0.1, clock=clock) == 128
    assert len(left) == 2


def test_a_device_faster_than_the_clock_has_a_rate():
    ticks = iter([0.0] * 4 + [0.0, 1.0])
    assert matrix_rate(CPU, torch.float32, seconds=0.5, clock=lambda: next(ticks)) > 8192


def test_nothing_random_is_drawn_and_it_is_quick():
    before = torch.get_rng_state()
    assert matrix_rate(CPU, torch.float32, seconds=0.01) > 0
    assert torch.equal(torch.get_rng_state(), before)
