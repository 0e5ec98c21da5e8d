"""Common and rare tokens, and which of them make the mean grow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from hf_apt.report import figures
from hf_apt.report.charts.chart_data import ChartData, estimates_data
from hf_apt.report.formats import counted, counted_text, estimate, large, shown_token
from hf_apt.report.page_view import PageView
from hf_apt.report.rows_table import rows_table
from hf_apt.report.section import Section
from hf_apt.report.svg import Point, both_widths
from hf_apt.report.tables import growth_table
from hf_apt.stats.depth_figures import DepthFigures, FrequencyBin


def section(view: PageView) -> Section:
    """A figure and a table for each readout."""
    drawings, text = {}, counted_text(view.summary)
    for name in view.shown:
        bins = [depth["apt_by_frequency"] for depth in view.readouts[name]]
        draw = partial(figures.apt_by_frequency, bins, view.labels, text)
        said = f"APT against frequency in {text}, by depth"
        points, data = _points(bins, view.labels), _data(bins, view.labels)
        drawings[name] = both_widths(f"frequency-{name}", said, draw, points, data)
    growth = {name: growth_table(view.readouts[name], view.labels) for name in view.shown}
    never = {name: _never_right(view, view.readouts[name][-1]) for name in view.shown}
    readouts = view.by_readout(figure=drawings, growth=growth, never=never)
    rows = rows_table(view.summary)
    content = {"readouts": readouts, "rows": rows, "text": text}
    return Section("frequency", "Common and rare tokens", content)


def _points(bins_by_depth: Sequence[list[FrequencyBin]], labels: Sequence[str]) -> list[Point]:
    """A point for each bin at the last depth, which says the values of all depths."""
    points = []
    for index, last in enumerate(bins_by_depth[-1]):
        low, high, num = last["low"], last["high"], last["mean_apt"]["num"]
        values = [
            f"{label} {estimate(bins[index]['mean_apt'])}"
            for label, bins in zip(labels, bins_by_depth, strict=True)
            if bins
        ]
        occur = "occurs" if num == 1 else "occur"
        which = f"{counted(num, 'tokens')} that {occur} {large(low)} to {large(high)} times"
        said = f"mean APT of {which}: {', '.join(values)}"
        points.append(Point(math.sqrt(low * high), last["mean_apt"]["value"], said))
    return points


def _data(bins_by_depth: Sequence[list[FrequencyBin]], labels: Sequence[str]) -> ChartData:
    """A row for each depth and bin of frequency."""
    return estimates_data(
        ["depth", "occurs from", "occurs below"],
        "mean APT",
        (
            ([label, each["low"], each["high"]], each["mean_apt"])
            for label, bins in zip(labels, bins_by_depth, strict=True)
            for each in bins
        ),
    )


def _never_right(view: PageView, last: DepthFigures) -> str:
    """A sentence on the tokens that were asked often and never right at the last depth."""
    never, label = last["never_right"], view.labels[last["depth"]]
    asked = f"Asked at least {never['min_support']} times and never right after {label}"
    if not never["num_tokens"]:
        return f"{asked}: no token."
    shown = ", ".join(
        f"{shown_token(view.records.vocabulary[token])} ({support:,})"
        for token, support in zip(never["tokens"], never["support"], strict=True)
    )
    more = never["num_tokens"] - len(never["tokens"])
    rest = f", and {more:,} more" if more else ""
    num = counted(never["num_tokens"], "tokens")
    return f"{asked}: {num}, which may never have been trained: {shown}{rest}."
