"""Records of a run about tasks: whether they are of its own model, and what pre-training adds."""

from __future__ import annotations

import math

from hf_apt.records.fingerprints import is_same_checkpoint
from hf_apt.records.summary_record import Summary
from hf_apt.records.task_record import TaskRecord
from hf_apt.stats.depth_figures import PlainEstimate


def is_of_this_model(record: TaskRecord, summary: Summary) -> bool:
    """Whether a record of fine-tuning and `summary` are about the same checkpoint.

    A run's folder may hold records of other checkpoints, and of weights that were trained further.
    """
    model = summary["model"] or {}
    if model.get("weights") is None is record["weights"]:  # of the Hub, as it once was recorded
        return model.get("name") == record["checkpoint"]
    return is_same_checkpoint(model, record)


def own_tasks(records: dict[str, TaskRecord], summary: Summary) -> dict[str, TaskRecord]:
    """The records of fine-tuning by task that are about the checkpoint of `summary`."""
    return {task: record for task, record in records.items() if is_of_this_model(record, summary)}


def gap(one: PlainEstimate | None, other: PlainEstimate | None) -> PlainEstimate | None:
    """How much one accuracy is above the other, an estimate as JSON has it; None if one is None.

    The standard error is the root of the sum of both squares, as if the two had been tested on
    different texts (source: ours; they have the same ones, so it is rather too large).
    """
    if one is None or other is None:
        return None
    mine, theirs = one["standard_error"], other["standard_error"]
    return {
        "value": one["value"] - other["value"],
        "standard_error": None if mine is None or theirs is None else math.hypot(mine, theirs),
        "num": one["num"],
    }
