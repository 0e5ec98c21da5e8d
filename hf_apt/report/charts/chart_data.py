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

        A cell that is that of the line above is written as `^`.

        >>> ChartData(["depth", "share"], [["block 1", 1 / 3], ["block 1", None]]).text()
        'depth\tshare\nblock 1\t0.33333\n^\t'
        """
        lines = [[_cell(value) for value in line] for line in (self.header, *self.rows)]
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


def _shortened(cell: str, above: str) -> str:
    return "^" if cell and cell == above else cell


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.5g}"
    return " ".join(str(value).split())
