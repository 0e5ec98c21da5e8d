"""What is on record of one task: fine-tuning, a committee, or both."""

from __future__ import annotations

from dataclasses import dataclass

from hf_apt.records.summary_record import Summary
from hf_apt.records.task_record import CommitteeRecord, TaskRecord


@dataclass(frozen=True)
class TaskView:
    """The records that the parts of a task are made of."""

    name: str
    """What the task is called."""

    record: TaskRecord | None
    """The record of fine-tuning, if any."""

    committee: CommitteeRecord | None
    """The record of a committee, if any."""

    summary: Summary
    """The figures of the run's own model."""
