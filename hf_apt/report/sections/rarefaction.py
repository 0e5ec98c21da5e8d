"""How mean APT depends on the number of positions that were asked."""

from __future__ import annotations

from functools import partial

from hf_apt.report import figures
from hf_apt.report.charts.rarefaction_chart import (
    growth_receipts,
    rarefaction_data,
    rarefaction_points,
)
from hf_apt.report.formats import estimates, number
from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section, TextTable
from hf_apt.report.svg import both_widths
from hf_apt.report.tables import Depths
from hf_apt.stats.measures.rarefied_apt import RAREFIED_TO


def section(view: PageView) -> Section | None:
    """A figure and a table for each readout; nothing where too few positions were asked."""
    drawings, tables, receipts = {}, {}, {}
    for name in view.shown:
        depths = view.readouts[name]
        curves = [depth["rarefaction"] for depth in depths]
        if not curves[-1]:
            continue
        draw = partial(figures.apt_by_positions, curves, view.labels)
        drawings[name] = both_widths(
            f"rarefaction-{name}",
            "Mean APT against positions asked, by depth",
            draw,
            rarefaction_points(depths, name, view.labels, view.seed),
            rarefaction_data(depths, view.labels),
        )
        growth = growth_receipts(depths, name, view.labels, view.seed)
        receipts[name] = [*({} for _ in curves[-1]), growth]
        tables[name] = TextTable(
            title="Mean APT by positions asked",
            header=["positions", "tokens", *(view.labels[d] for d in range(len(curves)))],
            rows=[*_rows(curves), *_growth(depths)],
        )
    if not drawings:
        return None
    return Section(
        "rarefaction",
        "How much was asked",
        {"readouts": view.by_readout(figure=drawings, table=tables, receipts=receipts)},
    )


def _growth(depths: Depths) -> list[list[str]]:
    """What each depth adds at the headline number of positions; no row where it is not known."""
    growth = [depth.get("rarefied_growth") for depth in depths]
    if not any(growth):
        return []
    return [[f"growth of {RAREFIED_TO:,}", "", *estimates(growth, signed=True)]]


def _rows(curves: list) -> list[list[str]]:
    """A row for each number of positions, and a column for each depth."""
    columns = [estimates([point["mean_apt"] for point in curve]) for curve in curves]
    heads = [
        [number(point["num_positions"], 0), number(point["mean_apt"]["num"], 0)]
        for point in curves[-1]
    ]
    return [[*head, *cells] for head, *cells in zip(heads, *columns, strict=True)]
