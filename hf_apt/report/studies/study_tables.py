"""The tables of a study as rows of text: estimates of a column with equal decimals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hf_apt.records.studies.study_record import Cell, StudyRecord, StudyTable
from hf_apt.report.formats import NOTHING, estimate, needed_decimals, number, shown_token
from hf_apt.report.section import TextTable


def study_title(record: StudyRecord) -> str:
    """The heading of a study, with what it was about."""
    return record["title"] + (f": {record['subject']}" if record["subject"] else "")


def shown_findings(record: StudyRecord) -> list[str]:
    """The findings, with no line's end between a value and its error."""
    return [finding.replace(" ± ", "\xa0±\xa0") for finding in record["findings"]]


def text_tables(record: StudyRecord) -> list[TextTable]:
    """All tables of a study, rounded for reading."""
    return [text_table(table) for table in record["tables"]]


def text_table(table: StudyTable) -> TextTable:
    r"""A table rounded for reading: whole numbers as such, others and estimates to 3 or 4 decimals.

    >>> half = {"value": 0.5, "standard_error": 0.1, "num": 3}
    >>> text_table({"title": "T", "header": ["depth", "n", "R2"], "rows": [["1", 1200, half]]}).rows
    [['1', '1,200', '0.500\xa0±\xa00.100']]
    """
    columns = list(zip(*table["rows"], strict=True)) or [()] * len(table["header"])
    shown = [_column(column) for column in columns]
    return TextTable(
        title=table["title"],
        header=list(table["header"]),
        rows=[list(row) for row in zip(*shown, strict=True)],
        notes=[note.removesuffix(".") for note in table.get("notes", ())],
    )


def _column(cells: Sequence[Cell]) -> list[str]:
    decimals = needed_decimals([cell for cell in cells if isinstance(cell, dict)])  # pyright: ignore
    return [_shown(cell, decimals) for cell in cells]


def _shown(cell: Any, decimals: int) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str):
        return shown_token(cell)
    if isinstance(cell, int):
        return number(cell, 0)
    if isinstance(cell, float):
        return number(cell, decimals) if abs(cell) < 1e5 else f"{cell:.3g}"
    return estimate(cell, decimals=decimals)
