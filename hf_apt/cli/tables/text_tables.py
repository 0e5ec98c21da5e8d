"""What `hf-apt diff` and `hf-apt acquisition` print: the tables that their pages have too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.cli.tables.style import bare_table
from hf_apt.report.acquisition import Acquisition
from hf_apt.report.run_diff import RunDiff

if TYPE_CHECKING:
    from rich.table import Table


def tables(result: RunDiff | Acquisition) -> list[Table]:
    """The tables of a result, empty ones left out."""
    from rich.text import Text

    made = []
    for table in result.tables():
        if table.rows:
            printable = bare_table(table.title, *table.header)
            for row in table.rows:
                printable.add_row(*(Text(cell.replace("\xa0", " ")) for cell in row))
            made.append(printable)
    return made


def footer(result: RunDiff | Acquisition) -> str:
    """What the tables leave unsaid."""
    return "\n".join(result.notes())
