"""The end of what a measurement prints: is it normal?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.cli.tables.style import bare_table
from hf_apt.records.summary_record import Summary
from hf_apt.report.ruler_table import ruler_sentence, ruler_table

if TYPE_CHECKING:
    from rich.table import Table


def tables(summary: Summary) -> list[Table]:
    """The ruler; none for a run of a version without one."""
    made = ruler_table(summary)
    if made is None:
        return []
    printable = bare_table(made.title, *made.header)
    for row in made.rows:
        printable.add_row(*(cell.replace("\xa0", " ") for cell in row))
    return [printable]


def footer(summary: Summary) -> str:
    """What the rows are, and the answer in one sentence."""
    made = ruler_table(summary)
    return "" if made is None else "\n".join([*made.notes, ruler_sentence(summary)])
