"""What the figures of the page have in common: plain axes, lines with errors, names beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.optimize import isotonic_regression

from hf_apt.report.formats import PlainEstimate, short_depth
from hf_apt.report.svg import INK, MUTED, RULE, WIDE_INCHES


def plain_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure with one plain axes; on a phone a little lower than `height` inches."""
    figure = Figure(figsize=(width, height if width == WIDE_INCHES else height * 0.86))
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    plain_axes(axes, width)
    return figure, axes


def panels(
    titles: Sequence[str], width: float, heights: tuple[float, float], **shared: Any
) -> tuple[Figure, list[Axes]]:
    """A figure with plain axes under each of `titles`: side by side, on a phone one below another.

    `heights` in inches are that of the whole figure side by side, and of each panel on a phone.
    """
    wide = width == WIDE_INCHES
    figure = Figure(figsize=(width, heights[0] if wide else heights[1] * len(titles)))
    figure.set_layout_engine("constrained", h_pad=0.04167 if wide else 0.12)
    grid = (1, len(titles)) if wide else (len(titles), 1)
    all_axes = list(figure.subplots(*grid, squeeze=False, **shared).ravel())
    for axes, title in zip(all_axes, titles, strict=True):
        plain_axes(axes, width)
        axes.set_title(title, loc="left", color=INK, fontsize=font_size(width), fontweight="bold")
    return figure, all_axes


def plain_axes(axes: Axes, width: float) -> None:
    """Take away what is no data, and use the page's colours."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.tick_params(colors=MUTED, labelsize=font_size(width), length=0, pad=6)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))


def font_size(width: float) -> float:
    """Points that can be read in a figure of this width."""
    return 9.5 if width == WIDE_INCHES else 8.75


def figures_of(estimates: Sequence[PlainEstimate], key: str = "value") -> np.ndarray:
    """One figure of each estimate, NaN for null."""
    return np.array([np.nan if entry[key] is None else entry[key] for entry in estimates], float)


def draw_line(axes: Axes, x: np.ndarray, estimates: Sequence[PlainEstimate], **style: Any) -> None:
    """Draw a line with bars of one standard error.

    `dots` are a marker of so many points that takes a third of the page's bytes: round ends of
    lines of no length.
    """
    defaults: dict[str, Any] = {"linewidth": 1.8, "markersize": 4.5}
    elinewidth, dots = style.pop("elinewidth", 1.3), style.pop("dots", None)
    y = figures_of(estimates)
    (line,) = axes.plot(x, y, **(defaults | style))
    if dots:
        ends = np.stack([y, y, np.full_like(y, np.nan)], axis=1).ravel()
        round_ends = {"linewidth": dots, "solid_capstyle": "round", "color": line.get_color()}
        axes.plot(np.repeat(x, 3), ends, **round_ends)
    errors = np.nan_to_num(figures_of(estimates, "standard_error"))
    if elinewidth and errors.any():
        # One path for all bars: a path each is most of a page.
        ends = np.stack([y - errors, y + errors, np.full_like(y, np.nan)], axis=1).ravel()
        bars = {"color": line.get_color(), "linewidth": elinewidth, "alpha": line.get_alpha()}
        axes.plot(np.repeat(x, 3), ends, **bars)


def depth_axis(axes: Axes, labels: Sequence[str], width: float) -> None:
    """Name the depths below the axes, as many as there is room for in `width` inches."""
    step = max(1, int(np.ceil(len(labels) / (width * 3.2))))
    depths = range(0, len(labels), step)
    axes.set_xticks(list(depths), [short_depth(labels[depth]) for depth in depths])
    axis_label(axes, "depth (after block)", width)


def axis_label(axes: Axes, text: str, width: float) -> None:
    """Label the x axis with `text`."""
    axes.set_xlabel(text, color=MUTED, fontsize=font_size(width))


def plain_label(text: str) -> str:
    r"""`text` as matplotlib shows it in full in a legend or at a tick, whatever is in it.

    Matplotlib sets what is between dollars as mathematics, and leaves out of a legend what begins
    with an underscore; a space without width before it changes that.

    >>> plain_label("a$x$b"), plain_label("_a")
    ('a\\$x\\$b', '\u200b_a')
    """
    return ("\u200b" if text.startswith("_") else "") + text.replace("$", r"\$")


def _shortened(text: str, most: int) -> str:
    """`text` without its middle where it has more than `most` letters.

    >>> _shortened("abcdefghij", 10), _shortened("abcdefghijk", 10)
    ('abcdefghij', 'abcde…hijk')
    """
    return text if len(text) <= most else f"{text[: most // 2]}…{text[most // 2 + 1 - most :]}"


_LETTER = 0.58
"""Width of a letter in sizes of the font, about; a legend's line and the space around it take 3."""


def _num_columns(labels: Sequence[str], width: float) -> int:
    """The most columns of a legend that `width` inches have room for, 7 or on a phone 3 at most."""
    room = width * 72 / font_size(width)
    for num in range(min(len(labels), 7 if width == WIDE_INCHES else 3), 1, -1):
        columns = np.array_split(np.array(labels), num)  # as matplotlib fills them
        if sum(3.2 + _LETTER * max(map(len, column)) for column in columns) <= room:
            return num
    return 1


def legend_above(figure: Figure, axes: Axes, width: float) -> None:
    """Name the lines of `axes` above the figure, in as many columns as there is room for."""
    handles, labels = axes.get_legend_handles_labels()
    handles = [handle[0] if isinstance(handle, Container) else handle for handle in handles]
    longest = int((width * 72 / font_size(width) - 4) / _LETTER)
    labels = [_shortened(label, longest) for label in labels]
    figure.legend(
        handles,
        labels,
        loc="outside upper left",
        ncols=_num_columns(labels, width),
        frameon=False,
        labelcolor=INK,
        fontsize=font_size(width),
        handlelength=1.4,
        columnspacing=1.1,
        handletextpad=0.5,
    )


def names_beside(
    axes: Axes, ends: Sequence[tuple[float, str, str]], width: float, height: float
) -> None:
    """Name lines at their right ends: for each the height it ends at, its name, its colour.

    Names that would overlap are moved apart, as little as can be. The limits of the y axis have to
    be set; `height` is that of the axes in inches, about.
    """
    low, high = axes.get_ylim()
    gap = 1.3 * font_size(width) / (72 * height) * (high - low)
    in_order = sorted(ends)
    wanted = np.array([end for end, _, _ in in_order]) - gap * np.arange(len(in_order))
    # The nearest heights that rise by `gap` at least are the nearest that do not fall, and `gap`s.
    placed = isotonic_regression(wanted).x + gap * np.arange(len(in_order))
    for position, (_, name, colour) in zip(placed, in_order, strict=True):
        axes.annotate(
            name,
            (1, position),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=font_size(width),
            annotation_clip=False,
        )
