"""When to measure: at each evaluation, or at steps of one's own."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Every `every` steps and at the steps `at_steps`; with neither, at each evaluation.

    Raises ValueError for anything but a whole number of at least 1.
    """

    every: int | None = None
    """Steps between measurements."""

    at_steps: Sequence[int] = ()
    """Steps at which to measure."""

    def __post_init__(self) -> None:
        if self.every is not None:
            object.__setattr__(self, "every", whole_number("every", self.every, at_least=1))
        if isinstance(self.at_steps, str | bytes) or not isinstance(self.at_steps, Iterable):
            raise ValueError(
                f"at_steps must be a list of steps, such as [100, 500], got {self.at_steps!r}."
            )
        steps = (whole_number("a step of at_steps", step, at_least=1) for step in self.at_steps)
        object.__setattr__(self, "at_steps", tuple(steps))

    @property
    def follows_evaluation(self) -> bool:
        """Whether measurements are made at evaluations, not at steps."""
        return self.every is None and not self.at_steps

    def is_due(self, step: int) -> bool:
        """Whether to measure after this step, instead of at evaluations."""
        return step in self.at_steps or (self.every is not None and step % self.every == 0)


def whole_number(name: str, value: Any, *, at_least: int) -> int:
    """`value` as an int; ValueError in one sentence if it is no whole number of `at_least`."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < at_least:
        raise ValueError(f"{name} must be a whole number of at least {at_least}, got {value!r}.")
    return number
