"""What a section of a model card is: the title, a table, and what its columns mean.

A new section takes a function `section(records) -> CardSection | None` in `hf_apt/hub/sections/`
and a line in `hf_apt/hub/sections/registry.py`; the card's template shows them all alike.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from hf_apt.report.section import TextTable


def plain(text: object) -> str:
    """`text` as it reads, whatever signs of Markdown or HTML it holds, in one line."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return re.sub(r"[|`*\[\]\\]|(?<!\w)_|_(?!\w)", lambda sign: f"&#{ord(sign[0])};", line)


@dataclass(frozen=True)
class CardSection:
    """One section of a card."""

    title: str
    """Heading of the section."""

    table: TextTable
    """Figures of the section; the notes stand below it as a list, in Markdown."""

    lead: str = ""
    """What is said before the table."""

    picture: Sequence[str] = ()
    """The path of a picture, its description, and what to say below it; none."""
