"""What each block adds: the per-block table of every readout."""

from __future__ import annotations

from hf_apt.records.summary_record import asks_next_tokens
from hf_apt.report.first_screen.receipts import receipt
from hf_apt.report.page_view import PageView
from hf_apt.report.planted_words import planted_words
from hf_apt.report.section import Section
from hf_apt.report.tables import block_rows, ceiling_row, treatment_rows
from hf_apt.stats.counts import TREATMENTS


def section(view: PageView) -> Section:
    """The tables of figures by depth; every run has this section."""
    is_next = asks_next_tokens(view.summary["model"])
    accuracy = "next-token" if is_next else "masked"
    return Section(
        "blocks",
        "What each block adds",
        {
            "readouts": view.by_readout(
                rows={
                    name: block_rows(view.readouts[name], view.labels, view.threshold)
                    for name in view.shown
                },
                receipts={name: _receipts(view, name, accuracy) for name in view.shown},
                treatments={
                    name: treatment_rows(view.readouts[name], view.labels) for name in view.shown
                },
                planted={name: planted_words(view.summary, name) for name in view.shown},
            ),
            "ceiling": ceiling_row(view.ceiling, view.threshold),
            "threshold": f"{view.threshold:g}",
            "treatment_names": () if is_next else TREATMENTS,
            "accuracy": accuracy,
        },
    )


def _receipts(view: PageView, readout: str, accuracy: str) -> list[dict[int, str]]:
    """For each depth the receipts of mean APT and accuracy, by the column they stand in."""
    return [
        {
            1: receipt("mean APT", readout, place, depth["mean_apt"]["pooled"], view.seed),
            3: receipt(
                f"{accuracy} accuracy",
                readout,
                place,
                depth["masked_accuracy"]["pooled"],
                view.seed,
            ),
        }
        for depth in view.readouts[readout]
        for place in [view.labels[depth["depth"]]]
    ]
