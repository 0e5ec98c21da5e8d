"""The figures of the page: plain numbers in, a drawing out, one function a figure."""
# D depths.

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from hf_apt.counts import TREATMENTS
from hf_apt.report.svg import (
    INK,
    MUTED,
    READOUT_COLOURS,
    RULE,
    WIDE_INCHES,
    depth_colour,
)
from hf_apt.report.wording import READOUT_LABELS, PlainEstimate, large, short_depth

_MARKERS = {"own_head": "o", "linear_head": "s", "mlm_head": "D", "untrained": "."}


def mean_apt_by_depth(
    curves: dict[str, list[PlainEstimate]], labels: Sequence[str], width: float
) -> Figure:
    """Mean APT against depth, one line a readout; `bayes` is a ceiling across the figure."""
    figure, axes = _figure(width, 3.6)
    for readout, curve in curves.items():
        style: dict[str, Any] = {
            "color": READOUT_COLOURS[readout],
            "label": READOUT_LABELS[readout],
        }
        if readout == "bayes":
            axes.axhline(_values(curve)[0], linestyle=(0, (5, 3)), linewidth=1.2, **style)
            continue
        baseline = {"linestyle": ":"} if readout == "untrained" else {}
        _line(axes, np.arange(len(curve)), curve, marker=_MARKERS[readout], **style, **baseline)
    _depth_axis(axes, labels, width)
    axes.set_ylim(bottom=0)
    _legend(figure, axes, width)
    return figure


def apt_by_frequency(
    bins_by_depth: Sequence[list[dict[str, Any]]], labels: Sequence[str], width: float
) -> Figure:
    """Mean APT of the tokens in each logarithmic bin of corpus frequency, one line a depth."""
    figure, axes = _figure(width, 3.8)
    for depth, bins in enumerate(bins_by_depth):
        if bins:
            middle = [np.sqrt(entry["low"] * entry["high"]) for entry in bins]
            means = [entry["mean_apt"] for entry in bins]
            style = {"color": depth_colour(depth), "label": labels[depth]}
            _line(axes, np.array(middle), means, marker="o", markersize=3, **style)
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: large(value)))
    axes.set_xlabel("occurrences in the training corpus", color=MUTED, fontsize=_font(width))
    axes.set_ylim(bottom=0)
    _legend(figure, axes, width)
    return figure


def apt_by_treatment(
    curves: dict[str, list[PlainEstimate]], labels: Sequence[str], width: float
) -> Figure:
    """Mean APT against depth, one line for what masking did to the position, one for all three."""
    figure, axes = _figure(width, 3.4)
    colours = [READOUT_COLOURS[name] for name in ("own_head", "linear_head", "mlm_head")]
    markers = ("o", "s", "D")
    for treatment, colour, marker in zip(TREATMENTS, colours, markers, strict=True):
        curve = curves[treatment]
        depths = np.arange(len(curve))
        _line(axes, depths, curve, marker=marker, color=colour, label=treatment)
    pooled = curves["pooled"]
    depths = np.arange(len(pooled))
    _line(axes, depths, pooled, marker=".", color=INK, linestyle=":", label="all modified")
    _depth_axis(axes, labels[: len(pooled)], width)
    axes.set_ylim(-0.02, 1.02)
    _legend(figure, axes, width)
    return figure


def by_depth_and_threshold(
    panels: dict[str, dict[float, list[float | None]]],
    labels: Sequence[str],
    top: float,
    width: float,
) -> Figure:
    """Shares against depth: a panel for each key, in it a line for each strong-match threshold."""
    figure = Figure(figsize=(width, 3.0 if width == WIDE_INCHES else 2.1 * len(panels)))
    figure.set_layout_engine("constrained")
    grid = (1, len(panels)) if width == WIDE_INCHES else (len(panels), 1)
    all_axes = figure.subplots(*grid, sharey=True, sharex=True, squeeze=False).ravel()
    for axes, (title, lines) in zip(all_axes, panels.items(), strict=True):
        _plain_axes(axes, width)
        axes.set_title(title, loc="left", color=INK, fontsize=_font(width), fontweight="bold")
        for index, (threshold, values) in enumerate(lines.items()):
            strength = 1 - 0.62 * index / max(len(lines) - 1, 1)
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
        _depth_axis(axes, labels[:num_depths], width / (len(panels) if width == WIDE_INCHES else 1))
        axes.set_ylim(0, top)
    _legend(figure, all_axes[0], width)
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height if width == WIDE_INCHES else height * 0.86))
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    _plain_axes(axes, width)
    return figure, axes


def _plain_axes(axes: Axes, width: float) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.tick_params(colors=MUTED, labelsize=_font(width), length=0, pad=6)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _font(width: float) -> float:
    return 9.5 if width == WIDE_INCHES else 8.75


def _values(estimates: Sequence[PlainEstimate], key: str = "value") -> np.ndarray:
    return np.array([np.nan if entry[key] is None else entry[key] for entry in estimates])


def _line(axes: Axes, x: np.ndarray, estimates: Sequence[PlainEstimate], **style: Any) -> None:
    errors = np.nan_to_num(_values(estimates, "standard_error"))
    defaults: dict[str, Any] = {"linewidth": 1.8, "markersize": 4.5, "elinewidth": 1.3}
    axes.errorbar(x, _values(estimates), yerr=errors, **(defaults | style))


def _depth_axis(axes: Axes, labels: Sequence[str], width: float) -> None:
    step = max(1, int(np.ceil(len(labels) / (width * 3.2))))
    depths = range(0, len(labels), step)
    axes.set_xticks(list(depths), [short_depth(labels[depth]) for depth in depths])
    axes.set_xlabel("depth (after block)", color=MUTED, fontsize=_font(width))


def _legend(figure: Figure, axes: Axes, width: float) -> None:
    handles, labels = axes.get_legend_handles_labels()
    handles = [handle[0] if isinstance(handle, Container) else handle for handle in handles]
    wide = width == WIDE_INCHES
    figure.legend(
        handles,
        labels,
        loc="outside upper left",
        ncols=min(len(labels), 7 if wide else 3),
        frameon=False,
        labelcolor=INK,
        fontsize=_font(width),
        handlelength=1.4,
        columnspacing=1.1,
        handletextpad=0.5,
    )
