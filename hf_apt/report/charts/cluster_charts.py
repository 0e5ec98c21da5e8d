"""What the charts of clusters say: receipts of their values by depth, and their numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from hf_apt.report.charts.chart_data import ChartData, Value
from hf_apt.report.formats import counted, estimate
from hf_apt.report.svg import Point
from hf_apt.stats.depth_figures import ClusterFigures, DepthFigures, PlainEstimate
from hf_apt.stats.estimates import Estimate, plain, share_estimate
from hf_apt.stats.labels import READOUT_LABELS

Figure = Literal["share_with_strong_match", "agreement_planted"]

_SAID: dict[Figure, str] = {
    "share_with_strong_match": "share of kept tokens with a strong match",
    "agreement_planted": "adjusted Rand index of the clusters and the planted classes",
}


def cluster_estimate(figure: Figure, depth: DepthFigures, entry: ClusterFigures) -> PlainEstimate:
    """One value of a chart of clusters, with its error and what it is of.

    A share is of the kept tokens and has a binomial error, which at 0 and 1 would say nothing and
    is left out. An agreement is of all tokens asked for, and its error is not known.
    """
    confusion, value = depth["confusion"], entry[figure]
    if figure == "agreement_planted" or not value or value == 1:
        num = confusion["num_rows" if figure == "agreement_planted" else "num_kept"]
        return plain(Estimate(math.nan if value is None else value, math.nan, num))
    num = confusion["num_kept"]
    return plain(share_estimate(round(value * num), num))


def cluster_points(
    figure: Figure,
    depths: Sequence[DepthFigures],
    definitions: Sequence[str],
    threshold: float,
    where: tuple[str, Sequence[str]],
    seed: int | None,
) -> list[Point]:
    """A point for each definition, which has a panel, and depth; it says all thresholds' values.

    It stands on the line of `threshold`; `where` is the readout and the names of the depths.
    """
    points = []
    for panel, definition in enumerate(definitions):
        for depth, figures in enumerate(depths):
            entries = [each for each in figures["clusters"] if each["definition"] == definition]
            values = {e["threshold"]: cluster_estimate(figure, figures, e) for e in entries}
            height = values[threshold]["value"]
            if height is not None:
                head = f"{_SAID[figure]}, {definition}, {READOUT_LABELS[where[0]]}"
                said = f"{head}, {where[1][depth]}: {_values(values, figure)}"
                said += "" if seed is None else f", seed {seed}"
                points.append(Point(depth, height, said, panel))
    return points


def cluster_data(
    figure: Figure,
    depths: Sequence[DepthFigures],
    definitions: Sequence[str],
    labels: Sequence[str],
) -> ChartData:
    """A row for each definition, threshold and depth."""
    rows: list[list[Value]] = []
    for label, figures in zip(labels, depths, strict=True):
        for entry in figures["clusters"]:
            if entry["definition"] in definitions:
                each = cluster_estimate(figure, figures, entry)
                cells = [entry["definition"], entry["threshold"], label]
                rows.append([*cells, each["value"], each["standard_error"], each["num"]])
    return ChartData(
        ["definition", "threshold", "depth", _SAID[figure], "standard error", "n"], rows
    )


def _values(values: dict[float, PlainEstimate], figure: Figure) -> str:
    """All thresholds' values, and what they have in common."""
    shown = [f"≥ {threshold:g} {estimate(each)}" for threshold, each in sorted(values.items())]
    num = next(iter(values.values()))["num"]
    if figure == "agreement_planted":
        return f"{', '.join(shown)} (no error is known), n = {counted(num, 'tokens')}"
    return f"{', '.join(shown)} (binomial standard errors), n = {counted(num, 'kept tokens')}"
