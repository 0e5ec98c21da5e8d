"""The picture of accuracy against masking rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from hf_apt.atomic import writing
from hf_apt.report.axes import axis_label, draw_line, legend_above, panels
from hf_apt.report.svg import READOUT_COLOURS, WIDE_INCHES, depth_colour
from hf_apt.stats.estimates import plain
from hf_apt.stats.floors.rate_curve import RateCurve
from hf_apt.stats.labels import default_depth_names


def rates_figure(curve: RateCurve, width: float = WIDE_INCHES) -> Figure:
    """Accuracy and rarefied mean APT against masking rate, a line a depth, and the ceiling."""
    titles = {
        "accuracy": "accuracy",
        "rarefied_mean_apt": f"mean APT of {curve.num_positions:,} positions",
    }
    figure, all_axes = panels(list(titles.values()), width, (3.6, 2.8))
    rows = curve.rows()
    lines: dict[Any, dict[str, Any]] = {
        depth: {"label": name, "color": depth_colour(depth)}
        for depth, name in enumerate(default_depth_names(curve.readouts[0].counts.num_depths))
    }
    if curve.ceilings:
        colour = READOUT_COLOURS["bayes"]
        lines["ceiling"] = {"label": "exact best predictor", "color": colour, "linestyle": "--"}
    for axes, key in zip(all_axes, titles, strict=True):
        for depth, style in lines.items():
            points = [plain(row[key]) for row in rows if row["depth"] == depth]
            draw_line(axes, curve.rates, points, marker="o", markersize=3, **style)  # pyright: ignore
        axes.set_xlim(0, 1.02)
        axes.set_ylim(bottom=0)
        axis_label(axes, "masking rate", width)
    legend_above(figure, all_axes[0], width)
    return figure


def write_rates_figure(curve: RateCurve, path: Path) -> None:
    """Write the picture as SVG, the same bytes for the same curve."""
    with rc_context({"svg.hashsalt": "masking-rates"}), writing(path, "wb") as file:
        rates_figure(curve).savefig(file, format="svg", metadata={"Date": None})
