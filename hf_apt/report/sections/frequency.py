"""Common and rare tokens, and who makes the mean grow."""

from __future__ import annotations

from functools import partial

from hf_apt.report import figures
from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section
from hf_apt.report.svg import both_widths
from hf_apt.report.tables import growth_table


def section(view: PageView) -> Section:
    """A figure and a table for each readout."""
    drawings = {}
    for name in view.shown:
        bins = [depth["apt_by_frequency"] for depth in view.readouts[name]]
        draw = partial(figures.apt_by_frequency, bins, view.labels)
        drawings[name] = both_widths(
            f"frequency-{name}", "APT against corpus frequency, by depth", draw
        )
    growth = {name: growth_table(view.readouts[name], view.labels) for name in view.shown}
    readouts = view.by_readout(figure=drawings, growth=growth)
    return Section("frequency", "Common and rare tokens", {"readouts": readouts})
