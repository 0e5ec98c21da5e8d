"""Records of a run about tasks: whether they are of its own model, and what pre-training adds."""

from __future__ import annotations

import math
from typing import Any


def is_of_this_model(record: dict[str, Any], summary: dict[str, Any]) -> bool:
    """Whether the checkpoint that a record of fine-tuning is of is the one that `summary` is of.

    A run's folder may take records of others, and of weights that it has trained on since.
    """
    model = summary["model"] or {}
    if record["weights"] is None:  # of the Hub: the name is all that is known
        return model.get("name") == record["checkpoint"]
    return model.get("weights") == record["weights"]


def own_tasks(
    records: dict[str, dict[str, Any]], summary: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Of the records of fine-tuning by task, those of the checkpoint that `summary` is of."""
    return {task: record for task, record in records.items() if is_of_this_model(record, summary)}


def gap(one: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any] | None:
    """By how much one accuracy is above the other: an estimate as JSON has it; None if one is.

    The standard error is the root of the sum of both squares, as if the two had been tested on
    different texts (ours: they have the same ones, so that it is rather too large).
    """
    if one is None or other is None:
        return None
    errors = one["standard_error"], other["standard_error"]
    return {
        "value": one["value"] - other["value"],
        "standard_error": None if None in errors else math.hypot(*errors),
        "num": one["num"],
    }
