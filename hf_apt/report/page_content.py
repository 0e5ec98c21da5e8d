"""A run's folder as the dictionary that the page's template is filled with."""

from __future__ import annotations

from functools import partial
from typing import Any

from markupsafe import Markup

from hf_apt.records.run import READOUTS, Run
from hf_apt.report import figures
from hf_apt.report.formats import READOUT_LABELS, depth_labels, short_depth
from hf_apt.report.lookup import lookup_and_pictures
from hf_apt.report.sentences import key_figures, lead, readout_label
from hf_apt.report.svg import both_widths, depth_palette
from hf_apt.report.tables import (
    block_rows,
    ceiling_row,
    facts,
    flat,
    growth_table,
    treatment_rows,
)
from hf_apt.report.tasks.content import tasks_content
from hf_apt.stats.clusters import DEFINITIONS, HEADLINE
from hf_apt.stats.counts import TREATMENTS


def page_content(run: Run) -> dict[str, Any]:
    """Everything the template names. Raises ValueError if the run is not finished."""
    summary = run.read_json("summary.json")
    by_readout = {
        name: summary["readouts"][name] for name in READOUTS if summary["readouts"].get(name)
    }
    if not by_readout:
        raise ValueError(f"{run.folder} has no readout in its summary.json: nothing to report.")
    shown = [name for name in by_readout if name != "bayes"] or ["bayes"]
    labels = depth_labels(summary)
    thresholds = sorted({entry["threshold"] for entry in by_readout[shown[0]][0]["clusters"]})
    usual = HEADLINE[1]
    shown_threshold = usual if usual in thresholds else thresholds[len(thresholds) // 2]
    lookup, pictures = lookup_and_pictures(run, shown, thresholds, shown_threshold)
    return {
        "title": summary["title"] or "Accuracy per token",
        "lead": lead(summary, shown[0]),
        "key_figures": key_figures(summary, shown[0], shown_threshold),
        "palettes": {
            theme: depth_palette(len(labels), dark=theme == "dark") for theme in ("light", "dark")
        },
        "depths": labels,
        "short_depths": [short_depth(label) for label in labels],
        "readouts": [
            {
                "key": name,
                "label": readout_label(name),
                "rows": block_rows(by_readout[name], labels, shown_threshold),
                "treatments": treatment_rows(by_readout[name], labels),
                "growth": growth_table(by_readout[name], labels),
                "figures": _figures(name, by_readout[name], labels),
                "picture": pictures.get(name),
            }
            for name in shown
        ],
        "ceiling": ceiling_row(by_readout.get("bayes"), shown_threshold),
        "mean_apt": _mean_apt_figure(by_readout, labels),
        "treatment_names": TREATMENTS,
        "thresholds": [f"{threshold:g}" for threshold in thresholds],
        "shown_threshold": f"{shown_threshold:g}",
        "definitions": DEFINITIONS,
        "detailed": list(pictures),
        "labels": {
            "depths": labels,
            "names": {name: READOUT_LABELS[name] for name in pictures},
        },
        "carried": tasks_content(run, summary),
        "command": summary["command"],
        "created": summary["created"],
        "facts": facts(summary),
        "config": flat(_optional(run, "config.json")),
        "environment": flat(_optional(run, "environment.json")),
        "lookup": lookup
        | {"summary": {name: _cluster_figures(by_readout[name]) for name in pictures}},
    }


def _mean_apt_figure(by_readout: dict[str, list[dict[str, Any]]], labels: list[str]) -> Markup:
    curves = {
        name: [depth["mean_apt"]["pooled"] for depth in depths]
        for name, depths in by_readout.items()
    }
    draw = partial(figures.mean_apt_by_depth, curves, labels)
    return both_widths("mean-apt", "Mean APT by depth, one line for each readout", draw)


def _figures(
    name: str, depths: list[dict[str, Any]], labels: list[str]
) -> dict[str, Markup | None]:
    """The figures of one readout, by name; None for one that there is nothing to draw for."""
    bins = [depth["apt_by_frequency"] for depth in depths]
    treatments = {
        key: [depth["mean_apt"][key] for depth in depths] for key in ("pooled", *TREATMENTS)
    }
    # `weak` has the share of `row`: it is the same matches, only joined.
    shares = _by_threshold(depths, "share_with_strong_match", ("row", "mutual"))
    agreement = _by_threshold(depths, "agreement_planted", ("mutual", "weak"))
    drawings = {
        "frequency": ("APT against corpus frequency, by depth", figures.apt_by_frequency, bins),
        "treatment": ("Mean APT by treatment and depth", figures.apt_by_treatment, treatments),
    }
    result: dict[str, Markup | None] = {
        key: both_widths(f"{key}-{name}", description, partial(draw, data, labels))
        for key, (description, draw, data) in drawings.items()
    }
    panels = {
        "shares": ("Share of kept tokens with a strong match", shares),
        "planted": ("Agreement of clusters with the planted classes", agreement),
    }
    for key, (description, lines) in panels.items():
        values = [
            value
            for panel in lines.values()
            for line in panel.values()
            for value in line
            if value is not None
        ]
        draw = partial(figures.by_depth_and_threshold, lines, labels, max([*values, 0.05]) * 1.08)
        result[key] = both_widths(f"{key}-{name}", description, draw) if values else None
    return result


def _by_threshold(
    depths: list[dict[str, Any]], figure: str, definitions: tuple[str, ...]
) -> dict[str, dict[float, list[float | None]]]:
    panels: dict[str, dict[float, list[float | None]]] = {name: {} for name in definitions}
    for depth in depths:
        for entry in depth["clusters"]:
            if entry["definition"] in panels:
                line = panels[entry["definition"]].setdefault(entry["threshold"], [])
                line.append(entry[figure])
    return panels


def _cluster_figures(depths: list[dict[str, Any]]) -> list[dict[str, Any]]:
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


def _optional(run: Run, name: str) -> Any:
    return run.read_json(name) if run.path(name).exists() else {}
