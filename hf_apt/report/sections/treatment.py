"""Positions that were masked, replaced, or left unchanged."""

from __future__ import annotations

from functools import partial

from hf_apt.records.summary_record import asks_next_tokens
from hf_apt.report import figures
from hf_apt.report.formats import number
from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section
from hf_apt.report.svg import both_widths
from hf_apt.stats.counts import TREATMENTS


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
        drawings[name] = both_widths(f"treatment-{name}", "Mean APT by treatment and depth", draw)
    readouts = view.by_readout(figure=drawings)
    num = view.readouts[view.shown[0]][0]["mean_apt_common"]["pooled"]["num"]
    content = {"readouts": readouts, "num_tokens": number(num, 0)}
    return Section("treatment", "Masked, replaced, left unchanged", content)
