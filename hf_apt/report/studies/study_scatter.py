"""A figure of a study with a point for each text or token, in groups."""

from __future__ import annotations

from functools import partial

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from hf_apt.records.studies.study_record import StudyScatter
from hf_apt.report.axes import axis_label, legend_above, plain_figure, plain_label
from hf_apt.report.charts.chart_data import ChartData
from hf_apt.report.svg import MUTED, READOUT_COLOURS, both_widths

_COLOURS = [
    READOUT_COLOURS[name]
    for name in ("own_head", "linear_head", "mlm_head", "jacobian", "translator")
]


def study_scatter(figure: StudyScatter, name: str) -> Markup:
    """The figure for a desktop and for a phone; `name` is its own on the page."""
    return both_widths(
        name,
        f"{figure['title']}: {', '.join(figure['groups'])}",
        partial(_drawn, figure),
        data=_data(figure),
    )


def _drawn(figure: StudyScatter, width: float) -> Figure:
    drawn, axes = plain_figure(width, 3.8)
    for index, (group, points) in enumerate(figure["groups"].items()):
        x, y = np.array(points, float).reshape(-1, 2).T
        # Round ends of lines of no length: a marker for each point takes three times the page.
        ends = np.stack([y, y, np.full_like(y, np.nan)], axis=1).ravel()
        axes.plot(
            np.repeat(x, 3),
            ends,
            linewidth=3.2 if width > 5 else 2.6,
            solid_capstyle="round",
            color=_COLOURS[index % len(_COLOURS)],
            label=plain_label(group),
        )
    axes.set_title(
        plain_label(figure["y_label"]), loc="left", color=MUTED, fontsize=9 if width > 5 else 8.5
    )
    axis_label(axes, plain_label(figure["x_label"]), width)
    if "x_limits" in figure:
        axes.set_xlim(*figure["x_limits"])
    if "y_limits" in figure:
        axes.set_ylim(*figure["y_limits"])
    legend_above(drawn, axes, width)
    return drawn


def _data(figure: StudyScatter) -> ChartData:
    return ChartData(
        ["group", figure["x_label"], figure["y_label"]],
        [[group, *point] for group, points in figure["groups"].items() for point in points],
    )
