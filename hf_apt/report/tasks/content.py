"""What a run's records say of tasks, as the page shows it: a part for each kind of finding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hf_apt.records.run_records import RunRecords
from hf_apt.report.charts.task_charts import receipts_end
from hf_apt.report.section import Section
from hf_apt.report.tasks import accuracy, agreement, committee, confidence
from hf_apt.report.tasks.tables import overview
from hf_apt.report.tasks.task_view import TaskView

PARTS: tuple[Callable[[TaskView], Section | None], ...] = (
    accuracy.part,
    agreement.part,
    confidence.part,
    committee.part,
)
"""The parts of a task, in the order of the page; the template of one is `tasks/<key>.html.jinja`. A
new study's part is a file with a function, its template, and a line here."""


def tasks_content(records: RunRecords) -> dict[str, Any] | None:
    """What the template shows of the tasks of a run; None if there is no record of any.

    `tasks` has the `name` and `parts` of each, and what receipts of its values end with;
    `overview` a table of all where there are several.
    """
    names = sorted({*records.tasks, *records.committees})
    if not names:
        return None
    return {
        "tasks": [_task(name, records) for name in names],
        "overview": overview(records.tasks) if len(records.tasks) > 1 else None,
    }


def _task(name: str, records: RunRecords) -> dict[str, Any]:
    view = TaskView(name, records.tasks.get(name), records.committees.get(name), records.summary)
    return {
        "name": name,
        "parts": [section for part in PARTS if (section := part(view)) is not None],
        "receipts_end": receipts_end(name, view.record, view.committee),
    }
