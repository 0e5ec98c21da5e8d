"""Laws of state that is held: drawn alike at every pass, and afterwards as if nothing was read."""

import functools
import io
import itertools
import random
from collections import deque
from typing import Any

import numpy as np
import pytest
import torch

from hf_apt.depths.held_state import HeldState

GENERATORS: dict[str, Any] = {
    "numpy": (lambda: np.random.default_rng(0), lambda g: g.random()),
    "bits": (lambda: np.random.PCG64(0), lambda g: g.random_raw()),
    "old numpy": (lambda: np.random.RandomState(0), lambda g: g.rand()),
    "python": (lambda: random.Random(0), lambda g: g.random()),
    "torch": (
        lambda: torch.Generator().manual_seed(0),
        lambda g: float(torch.rand(1, generator=g)),
    ),
}

_IN_GLOBALS: dict[str, Any] = {}


class Holding:
    def __init__(self, generator: Any, draw: Any):
        self.generator, self.draw = generator, draw

    def __call__(self) -> Any:
        return self.draw(self.generator)


class Slotted:
    __slots__ = ("generator",)

    def __init__(self, generator: Any):
        self.generator = generator


def _in_a_global(generator: Any, draw: Any) -> Any:
    _IN_GLOBALS["generator"] = generator
    return lambda: draw(_IN_GLOBALS["generator"])


def _in_a_slot(generator: Any, draw: Any) -> Any:
    slotted = Slotted(generator)
    return lambda: draw(slotted.generator)


PLACES: dict[str, Any] = {
    "attribute": Holding,
    "attribute of an attribute": lambda g, draw: functools.partial(
        lambda h: h[0](), [Holding(g, draw)]
    ),
    "closure": lambda g, draw: lambda: draw(g),
    "partial": lambda g, draw: functools.partial(draw, g),
    "default": lambda g, draw: lambda g=g: draw(g),
    "bound method": lambda g, draw: Holding(g, draw).__call__,
    "global": _in_a_global,
    "slot": _in_a_slot,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", GENERATORS)
def test_generators_of_ones_own_draw_alike_and_go_on_as_before(kind, place):
    make, draw = GENERATORS[kind]
    expected = [draw(g) for g in [make()] for _ in range(4)]
    reading = PLACES[place](make(), draw)
    assert [reading(), reading()] == expected[:2]
    state = HeldState(reading)
    drawn = []
    for number in (0, 1, 0):
        with state.kept(), state.seeded(7, number):
            drawn.append([reading(), reading()])
    assert drawn[0] == drawn[2] != drawn[1]
    assert [reading(), reading()] == expected[2:]


class Counting:
    """Has a place of every kind."""

    def __init__(self) -> None:
        self.place, self.late = 0, None
        self.many: list[int] = [1]
        self.by_name = {"one": 1}
        self.few, self.both = {1}, deque([1])
        self.numbers = itertools.count()
        self.rows = iter([10, 11, 12, 13])
        self.file = io.StringIO("abcdef")

    def __call__(self) -> tuple[Any, ...]:
        self.place += 1
        self.late = self.late or object()
        self.many.append(self.place)
        self.by_name[str(self.place)] = 1
        self.few.add(self.place + 1)
        self.both.rotate()
        self.both.append(9)
        self.new = 1
        return (self.place, next(self.numbers), next(self.rows), self.file.read(1), *self.both)


def test_places_are_put_back():
    touched, alone = Counting(), Counting()
    assert touched() == alone()
    state = HeldState(touched)
    for _ in range(2):
        with state.kept():
            assert not state.has_changed()
            assert touched()[:4] == (2, 1, 11, "b")
            assert state.has_changed()
    assert touched() == alone()
    assert vars(touched).keys() == vars(alone).keys()
    for name in ("place", "many", "by_name", "few", "both"):
        assert getattr(touched, name) == getattr(alone, name)


def test_closures_and_globals_are_put_back():
    place = 0

    def reading() -> int:
        nonlocal place
        place += 1
        return place

    state = HeldState(reading)
    with state.kept():
        assert [reading(), reading()] == [1, 2]
    assert reading() == 1


@pytest.mark.parametrize("held", ["attribute", "list", "itself"])
def test_what_can_be_read_once_only_is_refused_before_it_is_read(held):
    rows = (number for number in range(3))
    root: Any = {"attribute": Holding(rows, next), "list": [rows], "itself": rows}[held]
    state = HeldState(root)
    with pytest.raises(ValueError, match=r"read from a generator, which can be read once only"):
        with state.kept():
            pass
    assert list(rows) == [0, 1, 2]


def test_an_error_puts_everything_back():
    touched = Counting()
    state = HeldState(touched)

    def broken() -> None:
        with state.kept(), state.seeded(1, 2):
            touched()
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert touched.place == 0
    assert next(touched.rows) == 10
