"""The page of one study, for a folder without the page of a run."""

from __future__ import annotations

from pathlib import Path

from hf_apt.atomic import writing
from hf_apt.records.run import Run
from hf_apt.records.studies.study_record import StudyRecord, study_name
from hf_apt.report.formats import short_path
from hf_apt.report.results.result_page import ResultPage
from hf_apt.report.studies.study_figure import study_figure
from hf_apt.report.studies.study_tables import study_title, text_tables


def study_page(record: StudyRecord) -> ResultPage:
    """The question, the findings, the first figure, and all tables of a study."""
    figures = record["figures"]
    return ResultPage(
        title=f"{study_title(record)} · {short_path(record['checkpoint'])}",
        question=record["question"],
        answer=" ".join(record["findings"]),
        chart=study_figure(figures[0], f"study-{study_name(record)}-0") if figures else None,
        caption=f"{figures[0]['title']}." if figures else "",
        tables=text_tables(record),
        notes=[f"Made by {record['command']}."],
        receipts_end=record["command"],
    )


def write_study_page(run: Run, record: StudyRecord) -> Path:
    """The path of `studies/<name>.html`, written whole or not at all."""
    path = run.path(f"studies/{study_name(record)}.html")
    with writing(path) as file:
        file.write(study_page(record).rendered())
    return path
