"""The tables of the page: a run's figures as rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hf_apt.records.summary_record import Summary
from hf_apt.report.formats import NOTHING, duration, estimates, number, percent, short_path
from hf_apt.report.sentences import cluster_entry
from hf_apt.stats.counts import TREATMENTS
from hf_apt.stats.depth_figures import DepthFigures
from hf_apt.stats.labels import READOUT_LABELS

APT50 = ("most_frequent_50", "upper_half", "support_50")

Depths = list[DepthFigures]


def block_rows(depths: Depths, labels: Sequence[str], threshold: float) -> list[list[str]]:
    """The per-block table: a row for each depth, its label first."""
    columns = [
        [labels[depth["depth"]] for depth in depths],
        estimates([depth["mean_apt"]["pooled"] for depth in depths]),
        estimates([depth["growth"] for depth in depths], signed=True),
        estimates([depth["masked_accuracy"]["pooled"] for depth in depths]),
        *(estimates([depth["apt50"]["pooled"][name] for depth in depths]) for name in APT50),
        [number(depth["confusion"]["num_kept"], 0) for depth in depths],
        [
            percent(cluster_entry(depth, threshold, "row")["share_with_strong_match"])
            for depth in depths
        ],
        [number(cluster_entry(depth, threshold, "mutual")["num_clusters"], 0) for depth in depths],
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def ceiling_row(depths: Depths | None, threshold: float) -> list[str] | None:
    """The last row of the per-block table: the exact ceiling, where it is known."""
    if not depths:
        return None
    return block_rows(depths, [READOUT_LABELS["bayes"]], threshold)[0]


def treatment_rows(depths: Depths, labels: Sequence[str]) -> list[list[str]]:
    """Mean APT and masked accuracy of each treatment: a row for each depth, its label first.

    Mean APT is that of the tokens that all treatments ask for.
    """
    columns = [
        estimates([depth[figure][treatment] for depth in depths])
        for figure in ("mean_apt_common", "masked_accuracy")
        for treatment in TREATMENTS
    ]
    shown = [labels[depth["depth"]] for depth in depths]
    return [list(row) for row in zip(shown, *columns, strict=True)]


def growth_table(depths: Depths, labels: Sequence[str]) -> list[dict[str, Any]]:
    """What each tenth of the tokens adds to growth, in thousandths, a row for each step.

    `cells` hold the `text`, the `strength` of the shade in [0, 1] and whether the tenth `falls`.
    """
    steps = [
        (labels[depth["depth"]], depth["growth"], shares)
        for depth in depths
        if (shares := depth["growth_by_frequency"])
    ]
    largest = max([*(abs(value) for *_, shares in steps for value in shares), 1e-9])
    return [
        {
            "label": label,
            "total": number(growth["value"] * 1000, 1, signed=True)
            if growth and growth["value"] is not None
            else NOTHING,
            "cells": [
                {
                    "text": number(value * 1000, 1),
                    "strength": f"{abs(value) / largest:.2f}",
                    "falls": value < 0,
                }
                for value in shares
            ],
        }
        for label, growth, shares in steps
    ]


def facts(summary: Summary) -> list[tuple[str, list[tuple[str, str]]]]:
    """Corpus, model, training and masking, each with names and values; the unknown is left out."""
    parts = []
    for part in ("corpus", "model", "training", "masking"):
        content: Any = summary[part] or {}
        content = {name: value for name, value in content.items() if name != "terms"}  # a table
        rows = [
            ("duration", duration(float(content[name])))
            if name == "seconds"
            else (name.replace("num_", "").replace("_", " ").replace(".", ": "), value)
            for name, value in flat(content)
        ]
        if rows:
            parts.append((part.capitalize(), rows))
    return parts


def flat(content: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as dotted names and values as text; null is left out.

    Settings in a list go by their `name`, or else by their number in it. Of absolute paths the last
    part alone is shown.

    >>> flat({"model": {"num_blocks": 6}, "seed": 0, "limit": None})
    [('model.num_blocks', '6'), ('seed', '0')]
    >>> flat({"objectives": [{"name": "r_drop", "weight": 1.0}]})
    [('objectives.r_drop.weight', '1')]
    """
    if content is None:
        return []
    if isinstance(content, dict):
        return [
            pair
            for name, value in content.items()
            for pair in flat(value, f"{prefix}.{name}" if prefix else str(name))
        ]
    if isinstance(content, bool):
        return [(prefix, "yes" if content else "no")]
    if isinstance(content, int):
        # A seed is a name rather than an amount.
        return [(prefix, str(content) if prefix.endswith("seed") else f"{content:,}")]
    if isinstance(content, float):
        return [(prefix, f"{content:.6g}")]
    if isinstance(content, list) and content and all(isinstance(item, dict) for item in content):
        return flat(_by_name(content), prefix)
    if isinstance(content, list):
        return [(prefix, ", ".join(short_path(str(item)) for item in content) or "none")]
    return [(prefix, short_path(str(content)))]


def _by_name(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Settings by their names, without these; by their numbers where names do not tell them apart.

    One that has nothing but a name is given as such.
    """
    names = [part.get("name") for part in parts]
    if None in names or len({*names}) < len(names):
        return {str(number): part for number, part in enumerate(parts, start=1)}
    return {
        str(part["name"]): {key: value for key, value in part.items() if key != "name"} or True
        for part in parts
    }
