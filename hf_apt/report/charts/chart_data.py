"""The numbers of a chart as a table, which the page saves as CSV or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hf_apt.stats.depth_figures import PlainEstimate

Value = str | int | float | None
"""A cell; None for a value that is not known."""


@dataclass(frozen=True)
class ChartData:
    """The numbers that a chart is drawn of, a row for each value."""

    header: Sequence[str]
    """Names of the columns."""

    rows: Sequence[Sequence[Value]]
    """The cells, as many in each row as there are columns."""

    def text(self) -> str:
        r"""Lines of cells with tabs between them, the header first; numbers to 5 digits.

        A cell that is that of the line above is written as `^`. The name of a column of text has a
        space before it, so that a run that is called 001 stays text.

        >>> ChartData(["depth", "share"], [["block 1", 1 / 3], ["block 1", None]]).text()
        ' depth\tshare\nblock 1\t0.33333\n^\t'
        """
        lines = [[_cell(value) for value in line] for line in (self.header, *self.rows)]
        for column in range(len(self.header)):
            if _is_text([row[column] for row in self.rows]):
                lines[0][column] = f" {lines[0][column]}"
        above = [[""] * len(self.header), *lines[:-1]]
        return "\n".join(
            "\t".join(map(_shortened, line, before))
            for line, before in zip(lines, above, strict=True)
        )


def estimates_data(
    keys: Sequence[str], name: str, rows: Iterable[tuple[Sequence[Value], PlainEstimate]]
) -> ChartData:
    """A row for each estimate: the cells of `keys`, the value called `name`, its error and n."""
    return ChartData(
        [*keys, name, "standard error", "n"],
        [[*cells, each["value"], each["standard_error"], each["num"]] for cells, each in rows],
    )


def _is_text(column: Sequence[Value]) -> bool:
    known = [value for value in column if value is not None]
    return bool(known) and all(isinstance(value, str) for value in known)


def _shortened(cell: str, above: str) -> str:
    return "^" if cell and cell == above else cell


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.5g}"
    return " ".join(str(value).split())
