"""The main chart: mean APT by depth, every value with its receipt."""

from __future__ import annotations

from functools import partial

from markupsafe import Markup

from hf_apt.report import figures
from hf_apt.report.charts.chart_data import estimates_data
from hf_apt.report.first_screen.receipts import receipt
from hf_apt.report.page_view import PageView
from hf_apt.report.svg import Point, both_widths
from hf_apt.stats.labels import READOUT_LABELS


def main_chart(view: PageView) -> Markup:
    """One line for each readout; the exact ceiling, of one depth, across the chart."""
    curves = {
        name: [depth["mean_apt"]["pooled"] for depth in depths]
        for name, depths in view.readouts.items()
    }
    points = []
    for name, curve in curves.items():
        for depth, value in enumerate(curve):
            if value["value"] is not None:
                place = "" if name == "bayes" else view.labels[depth]
                said = receipt("mean APT", name, place, value, view.seed)
                x = len(view.labels) - 1 if name == "bayes" else depth
                points.append(Point(x, value["value"], said))
    data = estimates_data(
        ["readout", "depth"],
        "mean APT",
        (
            ([READOUT_LABELS[name], "" if name == "bayes" else view.labels[depth]], value)
            for name, curve in curves.items()
            for depth, value in enumerate(curve)
        ),
    )
    draw = partial(figures.mean_apt_by_depth, curves, view.labels)
    said = "Mean APT by depth, one line for each readout"
    return both_widths("mean-apt", said, draw, points, data)
