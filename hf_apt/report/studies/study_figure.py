"""A figure of a study: lines with their errors over the same places, or points in groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from markupsafe import Markup
from matplotlib.figure import Figure

from hf_apt.records.studies.study_record import StudyFigure, StudyScatter
from hf_apt.report.axes import (
    axis_label,
    depth_axis,
    legend_above,
    plain_figure,
    plain_label,
)
from hf_apt.report.charts.chart_data import ChartData, estimates_data
from hf_apt.report.formats import PlainEstimate
from hf_apt.report.results.curves import MOST_POINTS, draw_curves, said_of
from hf_apt.report.studies.study_scatter import study_scatter
from hf_apt.report.svg import MUTED, Point, both_widths

_UNKNOWN: PlainEstimate = {"value": None, "standard_error": None, "num": 0}  # pyright: ignore

Curves = Mapping[str, Sequence[PlainEstimate]]


def study_figure(figure: StudyFigure | StudyScatter, name: str) -> Markup:
    """The figure for a desktop and for a phone; `name` is its own on the page."""
    if "groups" in figure:
        return study_scatter(figure, name)
    labels = [label.replace(" ", "\xa0") for label in figure["x_labels"]]
    curves = {
        line: [_UNKNOWN if value is None else value for value in curve]
        for line, curve in figure["curves"].items()
        if any(value is not None and value["value"] is not None for value in curve)
    }
    return both_widths(
        name,
        f"{figure['title']}: {', '.join(curves)}",
        partial(_drawn, figure, curves, labels),
        _points(figure, curves, labels),
        _data(figure, curves, labels),
    )


def figure_caption(figure: StudyFigure | StudyScatter) -> str:
    """What stands below the figure: its title, and what the bars and the dotted line are."""
    parts = [figure["title"]]
    if "over" in figure:
        parts.append(f"bars are one standard error over {figure['over']}")
    if figure.get("chance") is not None:
        parts.append("dotted: chance")
    return f"{'; '.join(parts)}."


def _drawn(figure: StudyFigure, curves: Curves, labels: Sequence[str], width: float) -> Figure:
    drawn, axes = plain_figure(width, 3.4)
    chance = figure.get("chance")
    if chance is not None:
        axes.axhline(chance, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    draw_curves(axes, curves)
    if axes.get_ylim()[0] > 0 or all(_is_positive(curve) for curve in curves.values()):
        axes.set_ylim(bottom=0)
    axes.set_title(
        plain_label(figure["y_label"]), loc="left", color=MUTED, fontsize=9 if width > 5 else 8.5
    )
    depth_axis(axes, labels, width)
    if "x_label" in figure:
        axis_label(axes, figure["x_label"], width)
    legend_above(drawn, axes, width)
    return drawn


def _is_positive(curve: Sequence[PlainEstimate]) -> bool:
    return all(value["value"] is None or value["value"] >= 0 for value in curve)


def _points(figure: StudyFigure, curves: Curves, labels: Sequence[str]) -> list[Point]:
    """What every value says of itself; nothing where there are more than a page has room for."""
    over, unit = figure.get("over", "values"), figure.get("unit", "values")
    points = [
        Point(
            place,
            value["value"],
            said_of(figure["y_label"], f"{name}, {label}", value, over, unit),
        )
        for name, curve in curves.items()
        for place, (label, value) in enumerate(zip(labels, curve, strict=True))
        if value["value"] is not None
    ]
    return points if len(points) <= MOST_POINTS else []


def _data(figure: StudyFigure, curves: Curves, labels: Sequence[str]) -> ChartData:
    return estimates_data(
        ["line", figure.get("x_label", "depth")],
        figure["y_label"],
        (
            ([name, label], value)
            for name, curve in curves.items()
            for label, value in zip(labels, curve, strict=True)
        ),
    )
