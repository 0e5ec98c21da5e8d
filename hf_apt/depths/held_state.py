"""State outside the model that reading data would change: set for each batch, and put back.

Python, NumPy and torch have one global generator each. Collators, transforms and streams can have
generators, counters, positions and iterators of their own; all that can be reached from them is put
back, so that the next reader of the data reads what it would have read (ours).
"""

from __future__ import annotations

import copy
import io
import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CellType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch

from hf_apt.depths.reachable import (
    CONTAINERS,
    GENERATORS,
    globals_named,
    is_of_a_library,
    is_small,
    reachable,
)

_SIMPLE_ITERATORS = (type(iter([])), type(iter(())), type(iter(range(0))))


@contextmanager
def random_numbers_kept() -> Iterator[None]:
    """Let random numbers be drawn in the block, and put the global generators back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what collators use
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


class HeldState:
    """The state in reach of some objects, such as a data set and its collator."""

    def __init__(self, *roots: Any):
        self._reached = reachable(*roots)
        self._generators = [
            thing
            for thing in self._reached
            if isinstance(thing, GENERATORS) and not isinstance(thing, random.SystemRandom)
        ]
        self._seeded = [thing for thing in self._reached if _makes_a_generator(thing)]
        self._saved: list[_Saved] = []

    def first(self, wanted: Callable[[Any], bool]) -> Any:
        """The nearest object that is wanted; None if there is none."""
        return next((thing for thing in self._reached if wanted(thing)), None)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within the block the objects may change; afterwards they are as they were.

        Iterators among them are read on as copies. Raises ValueError, before anything is read, if
        one cannot be copied, such as a generator or a pipe.
        """
        copies = {id(thing): _copied(thing) for thing in self._reached if _is_iterator(thing)}
        files = {file: _place(file) for file in self._reached if isinstance(file, io.IOBase)}
        self._saved = [saved for thing in self._reached for saved in _saved(thing)]
        held = {id(value) for saved in self._saved for value in saved.values()}
        for thing in self._reached:
            if id(thing) in copies.keys() - held:
                raise _read_once(thing)
        for saved in self._saved:
            saved.replace(copies)
        try:
            yield
        finally:
            for saved in self._saved:
                saved.put_back()
            for file, place in files.items():
                if place is not None:
                    file.seek(place)

    def has_changed(self) -> bool:
        """Whether anything but a random generator has changed since `kept` began."""
        return any(saved.has_changed() for saved in self._saved)

    @contextmanager
    def seeded(self, seed: int, number: int) -> Iterator[None]:
        """Within the block every generator, global or reached, draws the numbers of batch `number`.

        An object that makes its generator of a `seed` when it first needs it makes a new one.
        """
        own = int(np.random.default_rng([seed, number]).integers(2**31))
        states = [_state(generator) for generator in self._generators]
        makers = [(thing, dict(vars(thing))) for thing in self._seeded]
        with random_numbers_kept():
            random.seed(own)
            np.random.seed(own)  # noqa: NPY002
            torch.default_generator.manual_seed(own)
            try:
                for generator in self._generators:
                    _seed(generator, own)
                for thing, _ in makers:
                    thing.seed, thing.generator = own, None
                yield
            finally:
                for thing, attributes in makers:
                    _refill(vars(thing), attributes)
                for generator, state in zip(self._generators, states, strict=True):
                    _set_state(generator, state)


class _Saved:
    """What some object held."""

    def __init__(self, holder: Any, read: Callable[[Any], Any], write: Callable[[Any, Any], None]):
        self.holder, self.read, self.write = holder, read, write
        self.content = self.begun = copy.copy(read(holder))

    def values(self) -> list[Any]:
        """What was held, without names."""
        return list(self.content.values() if isinstance(self.content, dict) else self.content)

    def replace(self, copies: dict[int, Any]) -> None:
        """Put copies in the place of the originals, which have these numbers."""
        if not any(id(value) in copies for value in self.values()):
            return
        if isinstance(self.content, dict):
            self.begun = {key: copies.get(id(v), v) for key, v in self.content.items()}
        else:
            self.begun = type(self.content)(copies.get(id(v), v) for v in self.content)
        self.write(self.holder, self.begun)

    def has_changed(self) -> bool:
        """Whether the object holds something else since."""
        return not _same(self.read(self.holder), self.begun)

    def put_back(self) -> None:
        """Let the object hold what it held."""
        if not _same(self.read(self.holder), self.content):
            self.write(self.holder, self.content)


def _saved(thing: Any) -> Iterator[_Saved]:
    if isinstance(thing, CellType):
        yield _Saved(thing, _cell, _write_cell)
    elif isinstance(thing, FunctionType):
        if not is_of_a_library(thing):
            names = globals_named(thing)
            yield _Saved(
                thing.__globals__,
                lambda all_names: {name: all_names[name] for name in names if name in all_names},
                lambda all_names, before: all_names.update(before),
            )
    elif isinstance(thing, CONTAINERS) and is_small(thing):
        yield _Saved(thing, lambda held: held, _refill)
    attributes = getattr(thing, "__dict__", None)
    if isinstance(attributes, dict) and not isinstance(thing, type | FunctionType | ModuleType):
        if not is_of_a_library(thing) or any(map(_is_iterator, attributes.values())):
            yield _Saved(attributes, lambda held: held, _refill)


def _same(now: Any, before: Any) -> bool:
    """Whether two containers hold the same objects."""
    if isinstance(before, dict):
        return now.keys() == before.keys() and all(now[key] is before[key] for key in before)
    if isinstance(before, set):
        return now == before
    return len(now) == len(before) and all(a is b for a, b in zip(now, before, strict=True))


def _cell(cell: CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # not yet filled
        return ()


def _write_cell(cell: CellType, content: tuple[Any, ...]) -> None:
    if content:
        (cell.cell_contents,) = content
    else:
        del cell.cell_contents


def _refill(container: Any, content: Any) -> None:
    """Give a container the content that it had."""
    content = copy.copy(content)
    container.clear()
    if isinstance(container, list | deque):
        container.extend(content)
    else:
        container.update(content)


def _is_iterator(thing: Any) -> bool:
    """Whether it is an iterator whose position is no attribute that would be put back."""
    if not hasattr(type(thing), "__next__") or isinstance(thing, io.IOBase):
        return False
    return is_of_a_library(thing) or not hasattr(thing, "__dict__")


def _copied(iterator: Any) -> Any:
    try:
        is_simple = isinstance(iterator, _SIMPLE_ITERATORS)
        return copy.copy(iterator) if is_simple else copy.deepcopy(iterator)
    except Exception as error:  # what cannot be copied says so in many ways
        raise _read_once(iterator) from error


def _place(file: Any) -> int | None:
    """Position in a file; None if it is closed. Raises ValueError if it cannot be put back."""
    if file.closed:
        return None
    try:
        return file.tell()
    except OSError as error:  # a pipe, or a file of text in the middle of a loop
        raise _read_once(file) from error


def _read_once(thing: Any) -> ValueError:
    return ValueError(
        f"the evaluation data are read from a {type(thing).__name__}, which can be read once only: "
        "what was evaluated cannot be read again, and reading on would change what is evaluated "
        "next. Give the callback an eval_dataset of rows."
    )


def _makes_a_generator(thing: Any) -> bool:
    """Whether it is such an object as the collators of transformers, with a seed of its own."""
    attributes = getattr(thing, "__dict__", {})
    return (
        not isinstance(thing, type)
        and isinstance(attributes.get("seed"), int)
        and "generator" in attributes
    )


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.BitGenerator):
        return generator.state
    if isinstance(generator, random.Random):
        return generator.getstate()
    return generator.get_state()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.BitGenerator):
        generator.state = state
    elif isinstance(generator, random.Random):
        generator.setstate(state)
    else:
        generator.set_state(state)


def _seed(generator: Any, seed: int) -> None:
    if isinstance(generator, np.random.Generator):
        generator = generator.bit_generator
    if isinstance(generator, np.random.BitGenerator):
        generator.state = type(generator)(seed).state  # pyright: ignore[reportCallIssue]
    elif isinstance(generator, np.random.RandomState):
        bits = generator._bit_generator  # pyright: ignore[reportAttributeAccessIssue]
        bits.state = type(bits)(seed).state
    elif isinstance(generator, random.Random):
        generator.seed(seed)
    else:
        generator.manual_seed(seed)
