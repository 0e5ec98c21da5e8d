"""What each block adds: mean APT by depth, and the per-block table of every readout."""

from __future__ import annotations

from functools import partial

from hf_apt.records.summary_record import asks_next_tokens
from hf_apt.report import figures
from hf_apt.report.page_view import PageView
from hf_apt.report.planted_words import planted_words
from hf_apt.report.section import Section
from hf_apt.report.svg import both_widths
from hf_apt.report.tables import block_rows, ceiling_row, treatment_rows
from hf_apt.stats.counts import TREATMENTS


def section(view: PageView) -> Section:
    """A figure and the tables of mean APT by depth; every run has this section."""
    curves = {
        name: [depth["mean_apt"]["pooled"] for depth in depths]
        for name, depths in view.readouts.items()
    }
    is_next = asks_next_tokens(view.summary["model"])
    draw = partial(figures.mean_apt_by_depth, curves, view.labels)
    return Section(
        "blocks",
        "What each block adds",
        {
            "mean_apt": both_widths(
                "mean-apt", "Mean APT by depth, one line for each readout", draw
            ),
            "readouts": view.by_readout(
                rows={
                    name: block_rows(view.readouts[name], view.labels, view.threshold)
                    for name in view.shown
                },
                treatments={
                    name: treatment_rows(view.readouts[name], view.labels) for name in view.shown
                },
                planted={name: planted_words(view.summary, name) for name in view.shown},
            ),
            "ceiling": ceiling_row(view.ceiling, view.threshold),
            "threshold": f"{view.threshold:g}",
            "treatment_names": () if is_next else TREATMENTS,
            "accuracy": "next-token" if is_next else "masked",
        },
    )
