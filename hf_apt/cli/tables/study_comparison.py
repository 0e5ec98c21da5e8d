"""What `hf-apt compare --study` prints: the tables of a study, runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables import study

if TYPE_CHECKING:
    from rich.table import Table


def tables(result: dict[str, Any]) -> list[Table]:
    """The tables that all runs have."""
    from hf_apt.report.studies.study_tables import text_table

    return study.printable([text_table(table) for table in result["tables"]])


def footer(result: dict[str, Any]) -> str:
    """The notes of the tables."""
    notes = [note for table in result["tables"] for note in table.get("notes", ())]
    return "\n".join(dict.fromkeys(notes))
