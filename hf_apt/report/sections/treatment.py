"""Positions that were masked, replaced, or left unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from hf_apt.records.summary_record import asks_next_tokens
from hf_apt.report import figures
from hf_apt.report.charts.chart_data import estimates_data
from hf_apt.report.formats import counted, estimate, number
from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section
from hf_apt.report.svg import Point, both_widths
from hf_apt.stats.counts import TREATMENTS
from hf_apt.stats.depth_figures import PlainEstimate


def section(view: PageView) -> Section | None:
    """A figure of mean APT by treatment for each readout, of tokens that all treatments ask for.

    Nothing where nothing was masked.
    """
    if asks_next_tokens(view.summary["model"]):
        return None
    drawings = {}
    for name in view.shown:
        treatments = {
            key: [depth["mean_apt_common"][key] for depth in view.readouts[name]]
            for key in ("pooled", *TREATMENTS)
        }
        draw = partial(figures.apt_by_treatment, treatments, view.labels)
        said, points = "Mean APT by treatment and depth", _points(treatments, view.labels)
        data = estimates_data(
            ["treatment", "depth"],
            "mean APT",
            (
                (["all modified" if key == "pooled" else key, view.labels[depth]], value)
                for key, curve in treatments.items()
                for depth, value in enumerate(curve)
            ),
        )
        drawings[name] = both_widths(f"treatment-{name}", said, draw, points, data)
    readouts = view.by_readout(figure=drawings)
    num = view.readouts[view.shown[0]][0]["mean_apt_common"]["pooled"]["num"]
    content = {"readouts": readouts, "num_tokens": number(num, 0)}
    return Section("treatment", "Masked, replaced, left unchanged", content)


def _points(curves: Mapping[str, list[PlainEstimate]], labels: Sequence[str]) -> list[Point]:
    """A point for each depth where all treatments are one, which says the values of each."""
    points = []
    for depth, pooled in enumerate(curves["pooled"]):
        if pooled["value"] is not None:
            values = [f"{name} {estimate(curve[depth])}" for name, curve in curves.items()]
            of = counted(pooled["num"], "tokens")
            said = f"mean APT, {labels[depth]}, {of}: {', '.join(values)}"
            points.append(Point(depth, pooled["value"], said.replace("pooled", "all modified", 1)))
    return points
