"""How this was made: command, corpus, model, training, configuration, environment."""

from __future__ import annotations

from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section
from hf_apt.report.tables import facts, flat


def section(view: PageView) -> Section:
    """Lists of facts and settings; every run has this section."""
    return Section(
        "made",
        "How this was made",
        {
            "command": view.summary["command"],
            "created": view.summary["created"],
            "facts": facts(view.summary),
            "config": flat(view.records.config),
            "environment": flat(view.records.environment),
        },
    )
