"""What a run prints of its measures: one table for each readout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.cli.tables.style import bare_table
from hf_apt.records.summary_record import Summary
from hf_apt.report.formats import depth_labels
from hf_apt.report.measures_table import measures_table
from hf_apt.report.section import TextTable

if TYPE_CHECKING:
    from rich.table import Table


def tables(summary: Summary) -> list[Table]:
    """The table of each readout that was measured, but for the untrained twin."""
    return [_printable(table) for table in _of(summary)]


def footer(summary: Summary) -> str:
    """What the columns of these tables mean."""
    made = _of(summary)
    return "\n".join(made[0].notes) if made else ""


def _of(summary: Summary) -> list[TextTable]:
    labels = depth_labels(summary)
    made = [
        measures_table(name, depths, labels)
        for name, depths in summary["readouts"].items()
        if name != "untrained"
    ]
    return [table for table in made if table is not None]


def _printable(table: TextTable) -> Table:
    printable = bare_table(table.title, *table.header)
    for row in table.rows:
        printable.add_row(*(cell.replace("\xa0", " ") for cell in row))
    return printable
