"""The look of every table that the command line prints, 80 columns wide at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.stats.depth_figures import PlainEstimate

if TYPE_CHECKING:
    from rich.table import Table


def bare_table(title: str, first: str, *others: str) -> Table:
    """A table without rows: the first column names them, the others are numbers.

    It is as wide as its title at least, which would be wrapped otherwise, where 80 columns allow.
    """
    from rich import box
    from rich.table import Table

    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,  # the widest tables just fit
        min_width=min(max(map(len, title.splitlines())), 80),
    )
    table.add_column(first, overflow="fold")
    for header in others:
        table.add_column(header, justify="right", no_wrap=True)
    return table


def estimate_cell(estimate: PlainEstimate | None, *, digits: int = 3, sign: str = "") -> str:
    """An estimate with its standard error; nothing for what is not known.

    >>> estimate_cell({"value": 0.25, "standard_error": None, "num": 1}, sign="+")
    '+0.250'
    """
    if estimate is None or estimate["value"] is None:
        return ""
    value, error = f"{estimate['value']:{sign}.{digits}f}", estimate["standard_error"]
    return value if error is None else f"{value} ± {error:.{digits}f}"


def value_cell(value: float | None) -> str:
    """A number alone; nothing for what is not known."""
    return "" if value is None else f"{value:.3f}"
