"""Look up a token: its record at every depth."""

from __future__ import annotations

from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section


def section(view: PageView) -> Section | None:
    """A field to type a token in; nothing without counts."""
    if not view.pictures:
        return None
    lookup = view.lookup_and_pictures[0]
    num_left_out, num = lookup["num_left_out"], len(lookup["support"])
    note = (
        f"There is room for the {num:,} most asked tokens; {num_left_out:,} more were asked for, at"
        f" most {lookup['support'][-1]:,} times each."
        if num_left_out
        else ""
    )
    return Section("token", "Look up a token", {"note": note})
