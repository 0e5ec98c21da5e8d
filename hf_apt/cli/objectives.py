"""Objectives as the command line spells them: `r_drop:weight=1`, one an option."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from hf_apt.training.objective import Objective, require_objectives
from hf_apt.training.objectives.entropy import ConfidencePenalty
from hf_apt.training.objectives.r_drop import RDrop

OBJECTIVES: dict[str, type[Any]] = {
    "confidence_penalty": ConfidencePenalty,
    "r_drop": RDrop,
}
"""The objectives, by the name under which each is asked for and logged."""

_READ: dict[str, Callable[[str], Any]] = {"float": float, "int": int, "str": str}
"""How a field's value is read, by its annotation."""


def objectives_of(texts: Sequence[str]) -> tuple[Objective, ...]:
    """What `--objective` asks for, given once for each objective.

    Raises ValueError as `objective_of` does, and for two objectives of one name.
    """
    objectives = tuple(map(objective_of, texts))
    require_objectives(objectives)
    return objectives


def objective_of(text: str) -> Objective:
    """The objective that `name:key=value,key=value` spells.

    Raises ValueError for a name or key that there is not, a value that cannot be read or used, and
    a key that is missing.

    >>> objective_of("r_drop:weight=0.5")
    RDrop(name='r_drop', weight=0.5)
    """
    name, _, rest = text.partition(":")
    if name not in OBJECTIVES:
        raise ValueError(f"there is no objective {name!r}: there are {', '.join(OBJECTIVES)}.")
    keys = {field.name: _READ[str(field.type)] for field in fields(OBJECTIVES[name]) if field.init}
    values: dict[str, Any] = {}
    for part in rest.split(",") if rest else ():
        key, equals, value = part.partition("=")
        if not equals or key not in keys or key in values:
            raise ValueError(
                f"{part!r} in {text!r} is no setting of {name}: there are "
                f"{', '.join(keys)}, each once, as in {_example(name)}."
            )
        try:
            values[key] = keys[key](value)
        except ValueError:
            raise ValueError(
                f"the {key} of {name} is {value!r}: give a number, as in {_example(name)}."
            ) from None
    if "weight" not in values:
        raise ValueError(f"{text!r} has no weight: write {_example(name)}.")
    return OBJECTIVES[name](**values)


def _example(name: str) -> str:
    return f"{name}:weight=1"
