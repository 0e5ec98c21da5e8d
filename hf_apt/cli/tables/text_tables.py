"""What commands print whose results are tables of text, such as `hf-apt diff`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from hf_apt.cli.tables.style import bare_table
from hf_apt.report.section import TextTable

if TYPE_CHECKING:
    from rich.table import Table


class Tabled(Protocol):
    """A result that is tables of text."""

    def tables(self) -> Sequence[TextTable]:
        """The tables, also those without rows."""
        ...

    def notes(self) -> Sequence[str]:
        """What the tables leave unsaid."""
        ...


def tables(result: Tabled) -> list[Table]:
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


def footer(result: Tabled) -> str:
    """What the tables leave unsaid."""
    return "\n".join(result.notes())
