"""What the charts of a task say: receipts of their values, and their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hf_apt.records.task_record import CommitteeRecord, TaskRecord
from hf_apt.report.charts.chart_data import ChartData, estimates_data
from hf_apt.report.formats import PlainEstimate, counted, number
from hf_apt.report.results.curves import said_of
from hf_apt.report.svg import Point

Curve = tuple[str, Sequence[PlainEstimate]]
"""What a line is called, and its estimates by depth."""


def depth_points(
    accuracies: Sequence[Curve], apt: Sequence[Curve], labels: Sequence[str], num_seeds: int
) -> list[Point]:
    """The points of accuracy by depth, panel 0, and of mean APT beside it, panel 1.

    The number of an accuracy is that of the seeds.
    """
    over = ("the test texts of one seed" if num_seeds == 1 else "seeds", "seeds")
    panels = (("accuracy", accuracies, over), ("mean APT", apt, ("tokens", "tokens")))
    return [
        Point(depth, value["value"], said_of(figure, place, value, *of), panel)
        for panel, (figure, curves, of) in enumerate(panels)
        for name, curve in curves
        for depth, (label, value) in enumerate(zip(labels, curve, strict=True))
        if value["value"] is not None
        for place in [f"{name}, {label}"]
    ]


def depth_data(
    accuracies: Sequence[Curve], apt: Sequence[Curve], labels: Sequence[str]
) -> ChartData:
    """A row for each line and depth of both panels."""
    return estimates_data(
        ["figure", "line", "depth"],
        "value",
        (
            ([figure, name, label], value)
            for figure, curves in (("accuracy", accuracies), ("mean APT", apt))
            for name, curve in curves
            for label, value in zip(labels, curve, strict=True)
        ),
    )


def size_points(curves: Mapping[str, Sequence[PlainEstimate]]) -> list[Point]:
    """The points of accuracy by the number of a committee's members, from 1, by combination."""
    return [
        Point(size, value["value"], said_of("accuracy", where, value, "test texts", "texts"))
        for name, curve in curves.items()
        for size, value in enumerate(curve, 1)
        if value["value"] is not None
        for where in [f"{name}, {counted(size, 'members')}"]
    ]


def size_data(curves: Mapping[str, Sequence[PlainEstimate]]) -> ChartData:
    """A row for each way of combining answers and number of members."""
    return estimates_data(
        ["combination", "members"],
        "accuracy",
        (
            ([name, size], value)
            for name, curve in curves.items()
            for size, value in enumerate(curve, 1)
        ),
    )


def apt_bin_points(bins: Sequence[dict[str, Any]]) -> list[Point]:
    """The points of confidence and of accuracy in the middle of each bin of mean APT."""
    return [
        Point((part["low"] + part["high"]) / 2, part[name]["value"], said)
        for part, where in _ranges(bins)
        for name in ("confidence", "accuracy")
        if part[name]["value"] is not None
        for said in [said_of(name, f"mean APT {where}", part[name], "texts", "texts")]
    ]


def apt_bin_data(bins: Sequence[dict[str, Any]]) -> ChartData:
    """A row for each figure and bin of mean APT."""
    return estimates_data(
        ["figure", "mean APT from", "mean APT to"],
        "value",
        (
            ([name, part["low"], part["high"]], part[name])
            for name in ("confidence", "accuracy")
            for part in bins
        ),
    )


def reliability_points(curve: Sequence[dict[str, Any]]) -> list[Point]:
    """The points of accuracy at the mean confidence of each bin."""
    return [
        Point(confidence, accuracy["value"], said)
        for part in curve
        for confidence, accuracy in [(part["confidence"]["value"], part["accuracy"])]
        for where in [f"confidence {number(confidence, 4)}"]
        for said in [said_of("accuracy", where, accuracy, "texts", "texts")]
    ]


def reliability_data(curve: Sequence[dict[str, Any]]) -> ChartData:
    """A row for each bin of confidence."""
    return estimates_data(
        ["confidence"],
        "accuracy",
        (([part["confidence"]["value"]], part["accuracy"]) for part in curve),
    )


def receipts_end(name: str, record: TaskRecord | None, committee: CommitteeRecord | None) -> str:
    """What the receipts of a task's values end with: the task, its texts and the seeds."""
    texts, seeds = None, ""
    if record is not None:
        texts = record["provenance"][0]
        first, num = record["config"]["task"].get("seed"), record["config"]["num_seeds"]
        if first is not None:
            seeds = f"seed {first}" if num == 1 else f"seeds {first} to {first + num - 1}"
    elif committee is not None:
        texts = committee["provenance"]
    sizes = (
        []
        if texts is None
        else [
            counted(texts["num_train"], "texts to train on"),
            counted(texts["num_test"], "texts to test on"),
        ]
    )
    return ", ".join(filter(None, [name, *sizes, seeds]))


def _ranges(bins: Sequence[dict[str, Any]]) -> Iterable[tuple[dict[str, Any], str]]:
    return ((part, f"{number(part['low'])} to {number(part['high'])}") for part in bins)
