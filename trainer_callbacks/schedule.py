"""When to measure: at each evaluation, or at steps of one's own."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Every `every` steps and at the steps `at_steps`; with neither, at each evaluation.

    Raises ValueError for what is no whole number of at least 1.
    """

    every: int | None = None
    """Steps between measurements."""

    at_steps: Sequence[int] = ()
    """Steps at which to measure."""

    def __post_init__(self) -> None:
        if self.every is not None:
            object.__setattr__(self, "every", whole_number("every", self.every, at_least=1))
        try:
            steps = [] if isinstance(self.at_steps, str | bytes) else list(self.at_steps)
            is_list = not isinstance(self.at_steps, str | bytes)
        except TypeError:
            steps, is_list = [], False
        if not is_list:
            raise ValueError(
                f"at_steps must be a list of steps, such as [100, 500], got {self.at_steps!r}."
            )
        steps = tuple(whole_number("a step of at_steps", step, at_least=1) for step in steps)
        object.__setattr__(self, "at_steps", steps)

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
