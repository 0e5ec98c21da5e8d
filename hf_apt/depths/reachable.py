"""What a data set, a collator or a sampler can reach: attributes, closures, globals, containers.

A measurement reads data that belong to somebody else. Whatever changes when it does so is in
reach of what it calls.
"""

from __future__ import annotations

import functools
import logging
import random
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from types import CellType, CodeType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedTokenizerBase, TrainerCallback, TrainerState
from transformers import Trainer as StockTrainer

CONTAINERS = (list, dict, set, deque)
"""Containers whose content can change."""

GENERATORS = (
    np.random.Generator,
    np.random.BitGenerator,
    np.random.RandomState,
    random.Random,
    torch.Generator,
)
"""The types of random generators that can be set and put back."""

_LIBRARIES = sys.stdlib_module_names | {
    *("torch", "numpy", "transformers", "datasets", "accelerate", "tokenizers", "pyarrow"),
    *("pandas", "scipy", "sklearn", "peft", "safetensors", "evaluate", "huggingface_hub"),
}

_LEAVES = (
    *(str, bytes, bytearray, int, float, complex, type(None), range, ModuleType),
    *(np.ndarray, np.generic, Tensor, nn.Module, logging.Logger, PretrainedConfig),
    *(PreTrainedTokenizerBase, StockTrainer, TrainerCallback, TrainerState),
    *(CodeType, GeneratorType, *GENERATORS),
)

_LARGEST_CONTAINER = 1_000


def reachable(*roots: Any, limit: int = 20_000) -> list[Any]:
    """The roots and what can be reached from them, nearest first, at most `limit` objects.

    Not looked into: models, tokenizers, arrays, modules, Trainers, and containers of more than
    1,000 entries. Plain numbers and texts are left out.
    """
    seen: set[int] = set()
    reached: list[Any] = []
    waiting = deque(roots)
    while waiting and len(reached) < limit:
        thing = waiting.popleft()
        if id(thing) in seen or isinstance(thing, str | bytes | int | float | complex | None):
            continue
        seen.add(id(thing))
        reached.append(thing)
        with suppress(Exception):  # an object may answer for its attributes in any way
            waiting.extend(_inside(thing))
    return reached


def is_of_a_library(thing: Any) -> bool:
    """Whether the class of `thing`, or `thing` if it is a function, is no code of the user's."""
    owner = thing if isinstance(thing, type | FunctionType) else type(thing)
    return (getattr(owner, "__module__", None) or "builtins").split(".")[0] in _LIBRARIES


def globals_named(function: FunctionType) -> list[str]:
    """The names of globals that a function, or one inside it, uses."""
    names: list[str] = []
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        names += [name for name in code.co_names if name in function.__globals__]
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return names


def is_small(container: Any) -> bool:
    """Whether a container is looked into."""
    return len(container) <= _LARGEST_CONTAINER


def _inside(thing: Any) -> Iterator[Any]:
    if isinstance(thing, _LEAVES):
        return
    if isinstance(thing, FunctionType):
        yield from _used(thing)
    elif isinstance(thing, CellType):
        yield from _content(thing)
    elif isinstance(thing, MethodType):
        yield from (thing.__self__, thing.__func__)
    elif isinstance(thing, staticmethod | classmethod):
        yield thing.__func__
    elif isinstance(thing, functools.partial):
        yield from (thing.func, thing.args, thing.keywords)
    elif isinstance(thing, type):
        yield from () if is_of_a_library(thing) else vars(thing).values()
    else:
        yield from _parts(thing)


def _used(function: FunctionType) -> Iterator[Any]:
    yield from function.__closure__ or ()
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    if not is_of_a_library(function):
        yield from (function.__globals__[name] for name in globals_named(function))


def _parts(thing: Any) -> Iterator[Any]:
    if isinstance(thing, dict | list | tuple | set | frozenset | deque) and is_small(thing):
        yield from thing.values() if isinstance(thing, dict) else thing
    yield from list(getattr(thing, "__dict__", {}).values())
    for kind in type(thing).__mro__:
        if not is_of_a_library(kind):
            yield kind
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            yield getattr(thing, name, None)


def _content(cell: CellType) -> Iterator[Any]:
    try:
        yield cell.cell_contents
    except ValueError:  # not yet filled
        return
