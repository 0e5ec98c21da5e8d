"""The first and the last logged values of the terms that objectives add to the loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict


class LoggedValue(TypedDict):
    """A mean over the steps since the previous logging, and the step at which it was logged."""

    step: int
    """Number of optimiser steps done by then."""

    value: float
    """The mean, in the term's own unit."""


class LoggedTerm(TypedDict):
    """The first and the last logged value of a term, which are the same if it was logged once."""

    first: LoggedValue
    last: LoggedValue


def logged_terms(
    log_history: Iterable[Mapping[str, Any]], objectives: Iterable[str]
) -> dict[str, LoggedTerm]:
    """The first and the last logged value of each term, before multiplication by its weight.

    Args:
        log_history: what a Trainer logged, `TrainerState.log_history`; after a resumption it still
            holds what was logged before.
        objectives: names of the objectives, with which the names of their terms begin.

    Returns:
        The values by the name of the term, in the order in which terms were first logged. NaN and
        infinite values are skipped, and terms without a finite value are left out.

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
