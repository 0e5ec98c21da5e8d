"""How a command's record is shown: section after section, tables and what they leave unsaid.

A section is a module of this folder with two functions of the record: `tables`, which can be none,
and `footer`, which can be empty. A new one is a line in the command that shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hf_apt.cli.every_command.output_format import is_json, print_json
from hf_apt.records.run import Run
from hf_apt.records.studies.study_record import StudyRecord

if TYPE_CHECKING:
    from rich.table import Table


class TableSection(Protocol):
    """One section of what a command prints."""

    @staticmethod
    def tables(record: Any, /) -> list[Table]:
        """The tables of the section, ready to print, none wider than 80 columns."""
        ...

    @staticmethod
    def footer(record: Any, /) -> str:
        """What the tables leave unsaid; empty for nothing."""
        ...


def show(record: Any, sections: Sequence[TableSection]) -> None:
    """Print the sections of a record, those that have nothing left out; or the record, as JSON."""
    if is_json():
        return print_json(record)
    from rich.console import Console

    console = Console(highlight=False)
    for section in sections:
        tables, footer = section.tables(record), section.footer(record)
        for table in tables:
            console.print(table)
            console.print()
        if footer:
            console.print(footer, style="dim")
            console.print()


def end_of_task(run: Run, record: str) -> None:
    """Print where a task's record is, and the page of a finished run, which is written again."""
    from hf_apt.report import write_report

    paths = {"record": run.path(f"finetune/{record}")}
    if run.path("summary.json").exists():
        paths["page"] = write_report(run)
    show_paths(**paths)


def end_of_study(run: Run, record: StudyRecord) -> None:
    """Keep a study's record in the run's folder, and print where it and its page are.

    The page is that of the run, where it is finished, and one of the study alone otherwise.
    """
    from hf_apt.records.run_folder import writing_run
    from hf_apt.records.studies.study_files import write_study
    from hf_apt.report import write_report
    from hf_apt.report.studies.study_page import write_study_page

    with writing_run(run):
        path = write_study(run, record)
        is_finished = run.path("summary.json").exists()
        page = write_report(run) if is_finished else write_study_page(run, record)
    show_paths(record=path, page=page)


def show_paths(**paths: Path) -> None:
    """Print where something was written, by what it is, each on a line however long."""
    from rich.console import Console

    console = Console(highlight=False, stderr=is_json())
    for name, path in paths.items():
        console.print(f"{name}: {path}", soft_wrap=True)
