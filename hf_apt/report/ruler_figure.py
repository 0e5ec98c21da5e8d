"""The picture of a ruler: a dot for each accuracy, on a line of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure

from hf_apt.report.axes import axis_label, font_size, plain_figure, plain_label
from hf_apt.report.svg import INK, MUTED, READOUT_COLOURS, RULE, WIDE_INCHES


@dataclass(frozen=True)
class RulerMark:
    """One accuracy on the ruler."""

    name: str
    """Label of the mark."""

    accuracy: float
    """The accuracy, in [0, 1]."""

    kind: Literal["floor", "model", "ceiling", "other"]
    """Kind of the accuracy, which gives the mark's colour and sign."""

    said: str
    """The receipt of the accuracy."""


_SIGNS = {"floor": "|", "model": "o", "ceiling": "D", "other": "."}


def in_order(marks: Sequence[RulerMark]) -> list[RulerMark]:
    """The marks by accuracy, the lowest first: the height of each on the ruler."""
    return sorted(marks, key=lambda mark: mark.accuracy)


def ruler_figure(marks: Sequence[RulerMark], width: float) -> Figure:
    """Accuracies from 0 to 1, the lowest at the bottom, each with its name."""
    figure, axes = plain_figure(width, 0.7 + 0.27 * len(marks))
    colours = {
        "floor": MUTED,
        "model": READOUT_COLOURS["own_head"],
        "ceiling": READOUT_COLOURS["bayes"],
        "other": INK,
    }
    ordered = in_order(marks)
    for height, mark in enumerate(ordered):
        axes.plot([0, mark.accuracy], [height, height], color=RULE, linewidth=1)
        axes.plot(
            [mark.accuracy],
            [height],
            marker=_SIGNS[mark.kind],
            markersize=8 if mark.kind != "ceiling" else 6,
            color=colours[mark.kind],
            linestyle="none",
            clip_on=False,
        )
    axes.set_yticks(
        range(len(ordered)),
        [f"{plain_label(mark.name)} {mark.accuracy:.3f}" for mark in ordered],
        fontsize=font_size(width),
        color=INK,
    )
    for label, mark in zip(axes.get_yticklabels(), ordered, strict=True):
        label.set_color(colours[mark.kind])
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, 1)
    wide = width == WIDE_INCHES
    axis_label(axes, "accuracy at the asked positions" if wide else "accuracy", width)
    return figure
