"""Every measure of the answers, at every depth: cross-entropy, and where answers are final."""

from __future__ import annotations

from hf_apt.report.measures_table import measures_table
from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section


def section(view: PageView) -> Section | None:
    """A table for each readout that was measured; nothing for a run that is older than measures."""
    tables = {
        name: table
        for name in view.shown
        if (table := measures_table(name, view.readouts[name], view.labels)) is not None
    }
    if not tables:
        return None
    readouts = view.by_readout(table=tables)
    return Section("measures", "Loss, and where the answer is found", {"readouts": readouts})
