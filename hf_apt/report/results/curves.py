"""Charts of several runs: plain numbers in, a drawing out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hf_apt.report.axes import (
    axis_label,
    depth_axis,
    draw_line,
    legend_above,
    panels,
    plain_figure,
    plain_label,
)
from hf_apt.report.charts.chart_data import ChartData, estimates_data
from hf_apt.report.formats import PlainEstimate, counted, number
from hf_apt.report.svg import (
    MUTED,
    READOUT_COLOURS,
    WIDE_INCHES,
    Point,
    both_widths,
    depth_colour,
)

_COLOURS = [
    READOUT_COLOURS[name]
    for name in ("own_head", "linear_head", "mlm_head", "jacobian", "translator")
]
_MARKERS = "osD^v"
MOST_POINTS = 300
"""Values of a chart that can be pointed at: each takes a kilobyte of the page."""


def said_of(figure: str, place: str, value: PlainEstimate, over: str, unit: str) -> str:
    """A value in full: what it is, where, its error, and of how many.

    >>> said_of("mean APT", "A, block 1", {"value": 0.5, "standard_error": None, "num": 9}, "", "x")
    'mean APT, A, block 1: 0.5000, n = 9 x'
    """
    said = f"{figure}, {place}: {number(value['value'], 4)}"
    if value["standard_error"] is not None:
        said += f" ± {number(value['standard_error'], 4)} (standard error over {over})"
    return f"{said}, n = {counted(value['num'], unit)}"


def runs_by_depth(
    curves: dict[str, list[PlainEstimate]],
    labels: Sequence[str],
    *,
    over: str,
    unit: str,
    figure: str = "mean APT",
) -> Markup:
    """A figure by depth, a line for each run with bars of one standard error.

    A run with fewer depths than `labels` has a shorter line. `over` says what the standard errors
    are over, `unit` what the numbers of the estimates count.
    """
    points = [
        Point(depth, value["value"], said)
        for name, curve in curves.items()
        for depth, value in enumerate(curve)
        if value["value"] is not None
        for said in [said_of(figure, f"{name}, {labels[depth]}", value, over, unit)]
    ]
    draw = partial(_runs, curves, labels)
    said = f"{figure[0].upper()}{figure[1:]} by depth, one line for each run"
    data = curves_data(curves, labels, figure)
    return both_widths("runs", said, draw, points, data)


def curves_data(
    curves: dict[str, list[PlainEstimate]], labels: Sequence[str], name: str = "mean APT"
) -> ChartData:
    """A row for each run and depth of its curve."""
    return estimates_data(
        ["run", "depth"],
        name,
        (
            ([run, labels[depth]], value)
            for run, curve in curves.items()
            for depth, value in enumerate(curve)
        ),
    )


def _runs(curves: dict[str, list[PlainEstimate]], labels: Sequence[str], width: float) -> Figure:
    figure, axes = plain_figure(width, 3.6)
    draw_curves(axes, curves)
    axes.set_ylim(bottom=0)
    depth_axis(axes, labels, width)
    legend_above(figure, axes, width)
    return figure


def pair_by_depth(
    curves: dict[str, list[PlainEstimate]],
    differences: Sequence[PlainEstimate],
    labels: Sequence[str],
    points: Sequence[Point],
) -> Markup:
    """Two curves by depth, and beside them their paired difference with its standard error.

    `points` are those of the first panel, 0, and of the second, 1.
    """
    draw = partial(_pair, curves, differences, labels)
    description = "Mean APT of A and B by depth, and their difference"
    data = curves_data({**curves, "B − A": list(differences)}, labels)
    return both_widths("pair", description, draw, points, data)


def _pair(
    curves: dict[str, list[PlainEstimate]],
    differences: Sequence[PlainEstimate],
    labels: Sequence[str],
    width: float,
) -> Figure:
    figure, (left, right) = panels(["Mean APT", "B − A"], width, (3.4, 2.6))
    draw_curves(left, curves)
    left.set_ylim(bottom=0)
    right.axhline(0, color=MUTED, linewidth=1)
    style: dict[str, Any] = {"color": READOUT_COLOURS["mlm_head"], "marker": "D"}
    draw_line(right, np.arange(len(differences)), differences, **style)
    for axes in (left, right):
        depth_axis(axes, labels, width / 2 if width == WIDE_INCHES else width)
        axes.set_xlim(-0.4, len(labels) - 0.6)
    legend_above(figure, left, width)
    return figure


def draw_curves(axes: Axes, curves: Mapping[str, Sequence[PlainEstimate]]) -> None:
    """Draw a line with bars of one standard error for each name, told apart by colour and shape."""
    for index, (name, curve) in enumerate(curves.items()):
        style: dict[str, Any] = {"color": _COLOURS[index % 5], "marker": _MARKERS[index % 5]}
        dashes = {"linestyle": ("-", "--", ":")[index // 5 % 3]}
        draw_line(axes, np.arange(len(curve)), curve, label=plain_label(name), **style, **dashes)


def depths_by_step(
    curves: Sequence[Sequence[PlainEstimate]], steps: Sequence[int], labels: Sequence[str]
) -> Markup:
    """Mean APT against the step of a training, a line for each depth with its standard error.

    Values can be pointed at; those of the last depth alone where there are many.
    """
    places_DS = _beside(steps, len(curves))
    lines = list(enumerate(zip(labels, curves, strict=True)))
    shown = lines if len(steps) * len(lines) <= MOST_POINTS else lines[-1:]
    points = [
        Point(place, value["value"], said)
        for depth, (label, curve) in shown
        for step, place, value in zip(steps, places_DS[depth], curve, strict=True)
        if value["value"] is not None
        for said in [said_of("mean APT", f"{label}, step {step:,}", value, "tokens", "tokens")]
    ]
    draw = partial(_steps, curves, places_DS, labels)
    data = estimates_data(
        ["depth", "step"],
        "mean APT",
        (
            ([label, step], value)
            for label, curve in zip(labels, curves, strict=True)
            for step, value in zip(steps, curve, strict=True)
        ),
    )
    return both_widths("steps", "Mean APT by step, one line for each depth", draw, points, data)


def _beside(steps: Sequence[int], num_depths: int) -> np.ndarray:
    """Where each depth stands at each step, shape (D, S): side by side, so that bars are apart.

    They take 0.4 of the way between the two nearest steps, a depth in the middle at its step.
    """
    gap = float(min(np.diff(steps), default=1))
    offsets_D = (np.arange(num_depths) - (num_depths - 1) / 2) * 0.4 * gap / max(num_depths, 1)
    return np.asarray(steps, float)[None, :] + offsets_D[:, None]


def _steps(
    curves: Sequence[Sequence[PlainEstimate]],
    places_DS: np.ndarray,
    labels: Sequence[str],
    width: float,
) -> Figure:
    figure, axes = plain_figure(width, 3.8)
    for depth, curve in enumerate(curves):
        style: dict[str, Any] = {"color": depth_colour(depth), "label": labels[depth]}
        draw_line(axes, places_DS[depth], curve, marker="o", markersize=3, **style)
    axis_label(axes, "step of the training", width)
    axes.set_ylim(bottom=0)
    legend_above(figure, axes, width)
    return figure
