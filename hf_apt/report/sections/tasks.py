"""The tasks that the model was fine-tuned on."""

from __future__ import annotations

from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section
from hf_apt.report.tasks.content import tasks_content


def section(view: PageView) -> Section | None:
    """A part for each task; nothing where there is no record of any."""
    content = tasks_content(view.records)
    return None if content is None else Section("tasks", "Fine-tuned on tasks", content)
