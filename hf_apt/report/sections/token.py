"""Look up a token: its record at every depth."""

from __future__ import annotations

from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section


def section(view: PageView) -> Section | None:
    """A field to type a token in; nothing without counts."""
    return Section("token", "Look up a token") if view.pictures else None
