"""Clusters of tokens taken for each other: how many, how large, which."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from markupsafe import Markup

from hf_apt.report import figures
from hf_apt.report.charts.cluster_charts import Figure, cluster_data, cluster_points
from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section
from hf_apt.report.svg import both_widths
from hf_apt.stats.depth_figures import DepthFigures

_PANELS: dict[str, tuple[Figure, tuple[str, ...], str]] = {
    # `weak` has the share of `row`: it is the same matches, only joined.
    "shares": (
        "share_with_strong_match",
        ("row", "mutual", "errors"),
        "Share of kept tokens with a strong match",
    ),
    "planted": (
        "agreement_planted",
        ("mutual", "weak", "errors"),
        "Agreement of clusters with the planted classes",
    ),
}


def section(view: PageView) -> Section | None:
    """Figures, and examples that the page's script shows; nothing without counts."""
    if not view.pictures:
        return None
    # Fresh weights take no token for another: drawings of them are space for nothing.
    drawn = [name for name in view.shown if name != "untrained"]
    drawings = {key: {name: _panel(key, name, view) for name in drawn} for key in _PANELS}
    return Section(
        "clusters",
        "Clusters of tokens taken for each other",
        {
            "readouts": view.by_readout(**drawings),
            "is_planted": any(drawings["planted"].values()),
            "depths": view.labels,
            "depth_options": list(enumerate(view.short_labels)),
            "definitions": view.definitions,
            "thresholds": [f"{threshold:g}" for threshold in view.thresholds],
            "threshold": f"{view.threshold:g}",
        },
    )


def _panel(key: str, readout: str, view: PageView) -> Markup | None:
    """The drawing of one figure of clusters; None where there is no value to draw."""
    figure, definitions, description = _PANELS[key]
    there = tuple(name for name in definitions if name in view.definitions)
    lines = _by_threshold(view.readouts[readout], figure, there)
    values = [
        value
        for panel in lines.values()
        for line in panel.values()
        for value in line
        if value is not None
    ]
    if not values:
        return None
    height = max([*values, 0.05]) * 1.08
    draw = partial(figures.by_depth_and_threshold, lines, view.labels, height)
    depths = view.readouts[readout]
    where = readout, view.labels
    points = cluster_points(figure, depths, there, view.threshold, where, view.seed)
    data = cluster_data(figure, depths, there, view.labels)
    return both_widths(f"{key}-{readout}", description, draw, points, data)


def _by_threshold(
    depths: Sequence[DepthFigures], figure: Figure, definitions: tuple[str, ...]
) -> dict[str, dict[float, list[float | None]]]:
    panels: dict[str, dict[float, list[float | None]]] = {name: {} for name in definitions}
    for depth in depths:
        for entry in depth["clusters"]:
            if entry["definition"] in panels:
                line = panels[entry["definition"]].setdefault(entry["threshold"], [])
                line.append(entry[figure])
    return panels


def cluster_figures(depths: Sequence[DepthFigures]) -> list[dict[str, Any]]:
    """The figures of every definition and threshold by depth, as the page's script takes them."""
    return [
        {
            f"{entry['definition']} {entry['threshold']:g}": {
                name: round(value, 4) if isinstance(value, float) else value
                for name, value in entry.items()
                if name not in ("definition", "threshold", "mean_size")
            }
            for entry in depth["clusters"]
        }
        for depth in depths
    ]
