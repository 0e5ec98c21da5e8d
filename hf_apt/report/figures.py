"""The figures of the page: plain numbers in, a drawing out, one function a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from hf_apt.report.axes import (
    axis_label,
    depth_axis,
    draw_line,
    figures_of,
    font_size,
    legend_above,
    names_beside,
    panels,
    plain_figure,
)
from hf_apt.report.formats import PlainEstimate, large
from hf_apt.report.svg import INK, MUTED, READOUT_COLOURS, WIDE_INCHES, depth_colour
from hf_apt.stats.counts import TREATMENTS
from hf_apt.stats.depth_figures import FrequencyBin, RarefiedFigures
from hf_apt.stats.labels import READOUT_LABELS

_MARKERS = {
    **{"own_head": "o", "linear_head": "s", "mlm_head": "D", "jacobian": "^", "translator": "v"},
    "untrained": ".",
}


def mean_apt_by_depth(
    curves: dict[str, list[PlainEstimate]], labels: Sequence[str], width: float
) -> Figure:
    """Mean APT against depth, one line a readout; `bayes` is a ceiling across the figure."""
    figure, axes = plain_figure(width, 3.6)
    axes.set_title("mean APT", loc="left", color=MUTED, fontsize=font_size(width))
    ends = []
    for readout, curve in curves.items():
        means, colour = figures_of(curve), READOUT_COLOURS[readout]
        ends.append((float(means[-1]), READOUT_LABELS[readout], colour))
        if readout == "bayes":
            axes.axhline(means[0], linestyle=(0, (5, 3)), linewidth=1.2, color=colour)
            continue
        style: dict[str, Any] = {"color": colour, "marker": _MARKERS[readout]}
        baseline = {"linestyle": ":"} if readout == "untrained" else {}
        draw_line(axes, np.arange(len(curve)), curve, **style, **baseline)
    depth_axis(axes, labels, width)
    axes.set_xlim(-0.3, len(labels) - 0.7)
    axes.set_ylim(bottom=0)
    known = [end for end in ends if np.isfinite(end[0])]
    names_beside(axes, known, width, 3.0 if width == WIDE_INCHES else 2.5)
    return figure


def apt_by_frequency(
    bins_by_depth: Sequence[list[FrequencyBin]], labels: Sequence[str], text: str, width: float
) -> Figure:
    """Mean APT of the tokens in each logarithmic bin of frequency in `text`, one line a depth."""
    figure, axes = plain_figure(width, 3.8)
    for depth, bins in enumerate(bins_by_depth):
        if bins:
            middle = [np.sqrt(entry["low"] * entry["high"]) for entry in bins]
            means = [entry["mean_apt"] for entry in bins]
            style = {"color": depth_colour(depth), "label": labels[depth]}
            draw_line(axes, np.array(middle), means, dots=4, **style)
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: large(value)))
    axis_label(axes, f"occurrences in {text}", width)
    axes.set_ylim(bottom=0)
    legend_above(figure, axes, width)
    return figure


def apt_by_positions(
    curves: Sequence[list[RarefiedFigures]], labels: Sequence[str], width: float
) -> Figure:
    """Mean APT expected at each number of asked positions, one line a depth."""
    figure, axes = plain_figure(width, 3.6)
    for depth, curve in enumerate(curves):
        sizes = np.array([point["num_positions"] for point in curve])
        means = [point["mean_apt"] for point in curve]
        style = {"color": depth_colour(depth), "label": labels[depth]}
        draw_line(axes, sizes, means, dots=4, **style)
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: large(value)))
    axis_label(axes, "positions asked", width)
    axes.set_ylim(bottom=0)
    legend_above(figure, axes, width)
    return figure


def apt_by_treatment(
    curves: dict[str, list[PlainEstimate]], labels: Sequence[str], width: float
) -> Figure:
    """Mean APT against depth, one line for what masking did to the position, one for all three.

    To be compared, the curves have to be of the same tokens.
    """
    figure, axes = plain_figure(width, 3.4)
    colours = [READOUT_COLOURS[name] for name in ("own_head", "linear_head", "mlm_head")]
    markers = ("o", "s", "D")
    for treatment, colour, marker in zip(TREATMENTS, colours, markers, strict=True):
        curve = curves[treatment]
        depths = np.arange(len(curve))
        draw_line(axes, depths, curve, marker=marker, color=colour, label=treatment)
    pooled = curves["pooled"]
    depths = np.arange(len(pooled))
    draw_line(axes, depths, pooled, marker=".", color=INK, linestyle=":", label="all modified")
    depth_axis(axes, labels[: len(pooled)], width)
    axes.set_ylim(0, 1.02)
    legend_above(figure, axes, width)
    return figure


def by_depth_and_threshold(
    lines_of: dict[str, dict[float, list[float | None]]],
    labels: Sequence[str],
    top: float,
    width: float,
) -> Figure:
    """Shares against depth: a panel for each key, in it a line for each strong-match threshold."""
    figure, all_axes = panels(list(lines_of), width, (3.0, 2.3), sharey=True)
    for axes, lines in zip(all_axes, lines_of.values(), strict=True):
        for index, (threshold, values) in enumerate(lines.items()):
            strength = 1 - 0.3 * index / max(len(lines) - 1, 1)
            heights = np.array([np.nan if value is None else value for value in values])
            axes.plot(
                np.arange(len(values)),
                heights,
                color=READOUT_COLOURS["own_head"],
                alpha=strength,
                marker="osDv^P"[index % 6],
                markersize=3.5,
                linewidth=1.5,
                label=f"≥ {threshold:g}",
            )
        num_depths = len(next(iter(lines.values())))
        axes.set_xlim(-0.4, num_depths - 0.6)
        depth_axis(
            axes, labels[:num_depths], width / (len(lines_of) if width == WIDE_INCHES else 1)
        )
        lowest = min(
            (
                value
                for values in lines_of.values()
                for line in values.values()
                for value in line
                if value is not None
            ),
            default=0.0,
        )
        axes.set_ylim(min(0.0, 1.5 * lowest), top)
    legend_above(figure, all_axes[0], width)
    return figure
