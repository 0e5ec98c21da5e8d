"""What `hf-apt check` prints: a row for each check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.cli.tables.style import bare_table

if TYPE_CHECKING:
    from rich.table import Table

    from hf_apt.depths.checks.report import CheckReport


def tables(report: CheckReport) -> list[Table]:
    """The table of all checks, 80 columns wide."""
    from rich.text import Text

    table = bare_table(report.model, "check")
    table.columns[0].no_wrap = True
    table.padding = (0, 1, 0, 0)
    table.add_column("result", no_wrap=True)
    table.add_column("what was seen", overflow="fold")
    for row in report.rows:
        # As plain text: a token such as [MASK] would be taken for a style.
        table.add_row(row.name, row.status, Text(row.sentence))
    table.width = 80
    return [table]


def footer(report: CheckReport) -> str:
    """How many checks passed, failed and were skipped."""
    return report.sentence
