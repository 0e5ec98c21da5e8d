"""What a section of the page is, and a table that page, terminal and card show alike.

A new section of the page takes a function `section(view) -> Section | None` in
`hf_apt/report/sections/`, its template beside the others, and a line in
`hf_apt/report/sections/registry.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Section:
    """One section of the page."""

    key: str
    """The name of its fragment and of its template, `sections/<key>.html.jinja`."""

    title: str
    """The heading of the section."""

    content: dict[str, Any] = field(default_factory=dict)
    """What the section's template is filled with, as `content`."""


@dataclass(frozen=True)
class TextTable:
    """A table of text: estimates are rounded for reading."""

    title: str
    """What the table shows."""

    header: Sequence[str]
    """The names of the columns; the first one names the rows."""

    rows: Sequence[Sequence[str]]
    """The rows of text, the name of each first."""

    notes: Sequence[str] = ()
    """Sentences that say what the columns mean."""
