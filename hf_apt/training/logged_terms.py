"""What the terms of objectives were at the beginning and at the end of a training, by its log."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict


class LoggedValue(TypedDict):
    """One logging: the optimiser step after which it was, and the mean since the logging before."""

    step: int
    value: float


class LoggedTerm(TypedDict):
    """The first and the last logging of a term; the same one where there was no other."""

    first: LoggedValue
    last: LoggedValue


def logged_terms(
    log_history: Iterable[Mapping[str, Any]], objectives: Iterable[str]
) -> dict[str, LoggedTerm]:
    """The first and last logged value of every term, by name, each before its weight.

    Args:
        log_history: what a Trainer has logged, `TrainerState.log_history`; that of a resumed
            training begins with its first step.
        objectives: names of the objectives, each the first word of its terms.

    Returns:
        Terms in the order in which they are logged, in their own units. Values that are no finite
        numbers are passed over, and a term that has no others is left out.

    >>> logged_terms([{"loss": 2.0, "r_drop": 0.5, "r_drop_weighted": 1.0, "step": 3}], ["r_drop"])
    {'r_drop': {'first': {'step': 3, 'value': 0.5}, 'last': {'step': 3, 'value': 0.5}}}
    """
    names = tuple(objectives)
    terms: dict[str, LoggedTerm] = {}
    for entry in log_history:
        for key, value in entry.items():
            if _is_term(key, names) and math.isfinite(value):
                logged = LoggedValue(step=entry["step"], value=value)
                first = terms[key]["first"] if key in terms else logged
                terms[key] = LoggedTerm(first=first, last=logged)
    return terms


def _is_term(key: str, objectives: tuple[str, ...]) -> bool:
    return not key.endswith("_weighted") and any(
        key == name or key.startswith(f"{name}_") for name in objectives
    )
