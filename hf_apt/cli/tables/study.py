"""What the command of any study prints: its answer, its tables, and what they leave unsaid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hf_apt.cli.tables.style import bare_table
from hf_apt.records.studies.study_record import StudyRecord
from hf_apt.report.section import TextTable

if TYPE_CHECKING:
    from rich.table import Table


def tables(record: StudyRecord) -> list[Table]:
    """The tables of a study, rounded for reading."""
    from hf_apt.report.studies.study_tables import text_tables

    return printable(text_tables(record))


def printable(tables: Sequence[TextTable]) -> list[Table]:
    """Tables of text, ready to print."""
    from rich.text import Text

    made = []
    for table in tables:
        made.append(bare_table(table.title, *table.header))
        for row in table.rows:
            made[-1].add_row(*(Text(cell.replace("\xa0", " ")) for cell in row))
    return made


def footer(record: StudyRecord) -> str:
    """The findings, and the notes of the tables."""
    notes = [note for table in record["tables"] for note in table.get("notes", ())]
    return "\n".join([*record["findings"], *dict.fromkeys(notes)])
