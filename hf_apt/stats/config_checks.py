"""What configurations ask of their numbers; every refusal names the field and the value."""

from __future__ import annotations

import math
from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

LARGEST_SEED = 2**32 - 1
"""NumPy's generators, which transformers seeds, take no larger one."""


def require_whole(config: Any, *names: str, least: int = 1) -> None:
    """Raise ValueError unless these fields of `config` are whole numbers of at least `least`.

    A field that is None is left alone.
    """
    for name in names:
        value = getattr(config, name)
        if value is not None:
            require_whole_number(name, value, least=least)


def require_whole_number(name: str, value: Any, *, least: int = 1) -> None:
    """Raise ValueError unless `value`, called `name`, is a whole number of at least `least`."""
    if not (_is_whole(value) and value >= least):
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}.")


def require_share(config: Any, *names: str) -> None:
    """Raise ValueError unless these fields of `config` are numbers between 0 and 1, without ends.

    >>> from types import SimpleNamespace
    >>> require_share(SimpleNamespace(masking_rate=1.5), "masking_rate")
    Traceback (most recent call last):
    ValueError: masking_rate must lie between 0 and 1, got 1.5.
    """
    for name in names:
        value = getattr(config, name)
        if not (_is_number(value) and 0 < value < 1):
            raise ValueError(f"{name} must lie between 0 and 1, got {value!r}.")


def require_positive(config: Any, *names: str) -> None:
    """Raise ValueError unless these fields of `config` are finite numbers above 0."""
    for name in names:
        value = getattr(config, name)
        if not (_is_number(value) and 0 < value < math.inf):
            raise ValueError(f"{name} must be a finite number above 0, got {value!r}.")


def require_not_negative(config: Any, *names: str) -> None:
    """Raise ValueError unless these fields of `config` are finite numbers of at least 0."""
    for name in names:
        value = getattr(config, name)
        if not (_is_number(value) and 0 <= value < math.inf):
            raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}.")


def require_seed(config: Any, name: str = "seed", *, num_seeds: int = 1) -> None:
    """Raise ValueError unless the field is a seed that generators take, and the next ones, too.

    `num_seeds` seeds are used, one after the other.
    """
    value, largest = getattr(config, name), LARGEST_SEED - num_seeds + 1
    if not (_is_whole(value) and 0 <= value <= largest):
        raise ValueError(f"{name} must be a whole number from 0 to {largest}, got {value!r}.")


def require_one_of(config: Any, name: str, choices: Collection[Any]) -> None:
    """Raise ValueError unless the field, or each element of a tuple, is one of `choices`."""
    value = getattr(config, name)
    for each in value if isinstance(value, tuple) else (value,):
        if each not in choices:
            known = ", ".join(map(str, choices))
            raise ValueError(f"{name} is {each!r}: choose one of {known}.")


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
