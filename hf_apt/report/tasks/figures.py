"""The figures about a task: plain numbers in, a drawing out, one function a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from hf_apt.report.axes import (
    axis_label,
    depth_axis,
    draw_line,
    figures_of,
    names_beside,
    panels,
    plain_figure,
)
from hf_apt.report.formats import PlainEstimate
from hf_apt.report.svg import INK, MUTED, READOUT_COLOURS, WIDE_INCHES
from hf_apt.stats.labels import READOUT_LABELS

BLUE, ORANGE, GREEN = (READOUT_COLOURS[name] for name in ("own_head", "linear_head", "mlm_head"))
"""The page's colours. Orange are linear heads on the frozen trunk: to tokens, and to classes."""

_DASHED = (0, (5, 3))


@dataclass(frozen=True)
class Line:
    """A line of the figure of accuracy by depth."""

    name: str
    """What stands at its end; empty for a line that belongs to another."""

    accuracy: Sequence[PlainEstimate]
    """The estimates of accuracy, by depth."""

    colour: str
    """A placeholder colour of `hf_apt.report.svg`."""

    marker: str = ""
    """A marker of matplotlib; empty for a thin dashed line without error bars."""

    said: str = ""
    """What its values are called where they say themselves; empty for the name."""


def accuracy_by_depth(
    lines: Sequence[Line],
    chance: float,
    apt_curves: Mapping[str, Sequence[PlainEstimate]],
    labels: Sequence[str],
    width: float,
) -> Figure:
    """Accuracy on a task by depth, and beside it mean APT by readout, if there are any curves."""
    titles = ["Accuracy on the task", *(["Mean APT"] if apt_curves else [])]
    height = 3.5 if width == WIDE_INCHES else 2.9
    figure, all_axes = panels(titles, width, (height, height))
    panel_width = width / len(titles) if width == WIDE_INCHES else width
    _accuracies(all_axes[0], lines, chance, width, height)
    if apt_curves:
        _mean_apts(all_axes[1], apt_curves, width, height)
    for axes in all_axes:
        axes.set_xlim(-0.3, len(labels) - 0.7)
        depth_axis(axes, labels, panel_width - 1)
    return figure


def _accuracies(
    axes: Axes, lines: Sequence[Line], chance: float, width: float, height: float
) -> None:
    axes.axhline(chance, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    ends = [(chance, "chance", MUTED)]
    for line in lines:
        style: dict[str, Any] = {"marker": line.marker, "markersize": 3.8}
        if not line.marker:
            style = {"linestyle": _DASHED, "linewidth": 1.1, "elinewidth": 0}
        elif line.colour == MUTED:
            style["linestyle"] = ":"
        draw_line(axes, np.arange(len(line.accuracy)), line.accuracy, color=line.colour, **style)
        if line.name:
            ends.append((line.accuracy[-1]["value"], line.name, line.colour))
    _from_zero(axes, [line.accuracy for line in lines])
    names_beside(axes, ends, width, 0.75 * height)


def _mean_apts(
    axes: Axes, curves: Mapping[str, Sequence[PlainEstimate]], width: float, height: float
) -> None:
    markers = {"own_head": "o", "linear_head": "s", "untrained": "."}
    ends = []
    for readout, curve in curves.items():
        colour = READOUT_COLOURS[readout]
        style: dict[str, Any] = {"marker": markers[readout], "markersize": 3.8}
        if readout == "untrained":
            style["linestyle"] = ":"
        draw_line(axes, np.arange(len(curve)), curve, color=colour, **style)
        ends.append((curve[-1]["value"], READOUT_LABELS[readout], colour))
    _from_zero(axes, list(curves.values()))
    names_beside(axes, ends, width, 0.75 * height)


def confidence_by_mean_apt(
    bins: Sequence[dict[str, Any]],
    slope: dict[str, Any],
    centre: tuple[float, float] | None,
    width: float,
) -> Figure:
    """Confidence and accuracy of the inputs in each bin of their mean APT.

    Through `centre`, the means of both, goes the straight line of `slope`, between those of the
    ends of its interval.
    """
    height = 3.4
    figure, axes = plain_figure(width, height)
    low, high = (np.array([part[end] for part in bins]) for end in ("low", "high"))
    middle = (low + high) / 2
    if centre is not None and slope["value"] is not None:
        x = np.array([low.min(), centre[0], high.max()])
        if slope["low"] is not None:
            edges = [_through(centre, slope[end], x) for end in ("low", "high")]
            axes.fill_between(
                x, np.minimum(*edges), np.maximum(*edges), color=BLUE, alpha=0.1, linewidth=0
            )
        line = _through(centre, slope["value"], x)
        axes.plot(x, line, color=BLUE, linewidth=1.1, linestyle=_DASHED)
    ends = []
    for name, colour, marker in (("accuracy", ORANGE, "s"), ("confidence", BLUE, "o")):
        estimates = [part[name] for part in bins]
        if estimates[0]["value"] is None:
            continue
        for start, end, estimate in zip(low, high, estimates, strict=True):
            axes.plot([start, end], [estimate["value"]] * 2, color=colour, alpha=0.4, linewidth=1)
        draw_line(axes, middle, estimates, color=colour, marker=marker, linestyle="none")
        ends.append((estimates[-1]["value"], name, colour))
    axes.margins(x=0.02)
    axes.set_ylim(*axes.get_ylim())
    axis_label(axes, "mean APT of the text's tokens", width)
    names_beside(axes, ends, width, 0.8 * height)
    return figure


def _through(centre: tuple[float, float], slope: float, x: np.ndarray) -> np.ndarray:
    return centre[1] + slope * (x - centre[0])


def reliability_curve(curve: Sequence[dict[str, Any]], width: float) -> Figure:
    """Accuracy against confidence in each bin of it, and the line on which they are equal."""
    figure, axes = plain_figure(width, width)
    confidence = figures_of([part["confidence"] for part in curve])
    accuracy = [part["accuracy"] for part in curve]
    lower = min(confidence.min(), figures_of(accuracy).min()) - 0.04
    axes.plot([lower, 1], [lower, 1], color=MUTED, linewidth=1, linestyle=_DASHED)
    draw_line(axes, confidence, accuracy, color=BLUE, marker="o", linewidth=1)
    axes.set_xlim(lower, 1.02)
    axes.set_ylim(lower, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axis_label(axes, "confidence", width)
    axes.set_title("accuracy", loc="left", color=MUTED, fontsize=axes.xaxis.label.get_fontsize())
    return figure


def accuracy_by_size(
    curves: Mapping[str, Sequence[PlainEstimate]],
    reference: PlainEstimate | None,
    names: Mapping[str, str],
    width: float,
) -> Figure:
    """Accuracy of a committee by its size, from 1: a line for each way of combining answers.

    The reference is a line across, in a band of one standard error to both sides.
    """
    height = 3.2
    figure, axes = plain_figure(width, height)
    ends = []
    if reference is not None:
        value, error = reference["value"], reference["standard_error"] or 0.0
        axes.axhspan(value - error, value + error, color=INK, alpha=0.1, linewidth=0)
        axes.axhline(value, color=INK, linewidth=1.1, linestyle=_DASHED)
        ends.append((value, "reference", INK))
    styles = zip((BLUE, ORANGE, GREEN), "osD", strict=True)
    # Beside each other, so that the error bars do not hide one another.
    aside = 0.45 / width
    for (name, curve), (colour, marker), shift in zip(
        curves.items(), styles, (-aside, 0.0, aside), strict=False
    ):
        sizes = 1 + np.arange(len(curve))
        draw_line(axes, sizes + shift, curve, color=colour, marker=marker, elinewidth=1)
        ends.append((curve[-1]["value"], names[name], colour))
    num_sizes = len(next(iter(curves.values())))
    axes.set_xlim(0.7, num_sizes + 0.3)
    axes.margins(y=0.1)
    axes.set_ylim(*axes.get_ylim())
    step = max(1, int(np.ceil(num_sizes / (width * 2))))
    axes.xaxis.set_major_locator(FixedLocator(range(1, num_sizes + 1, step)))
    axis_label(axes, "members", width)
    names_beside(axes, ends, width, 0.8 * height)
    return figure


def _from_zero(axes: Axes, curves: Sequence[Sequence[PlainEstimate]]) -> None:
    highest = [
        figures_of(curve) + np.nan_to_num(figures_of(curve, "standard_error")) for curve in curves
    ]
    axes.set_ylim(0, 1.06 * max(0.05, *(np.nanmax(each) for each in highest)))
