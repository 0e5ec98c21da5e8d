"""How this was made: command, corpus, model, training, configuration, environment."""

from __future__ import annotations

from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section
from hf_apt.report.tables import facts, flat
from hf_apt.report.training.methods import settings, terms_logged


def section(view: PageView) -> Section:
    """Lists of facts and settings; every run has this section."""
    training = view.summary["training"]
    return Section(
        "made",
        "How this was made",
        {
            "command": view.summary["command"],
            "created": view.summary["created"],
            "facts": facts(view.summary),
            "methods": settings(view.records.config) if training else [],
            "terms": terms_logged(training),
            "config": flat(view.records.config),
            "environment": flat(view.records.environment),
        },
    )
