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

_SIGNS = re.compile(
    r"[|`*~\[\]\\]|(?<!\w)_|_(?!\w)"  # anywhere
    r"|\A[#+=-]|\A\d{1,9}[.)](?=\s|\Z)"  # at the beginning of a line
)


def plain(text: object) -> str:
    """`text` as it reads, whatever signs of Markdown or HTML it holds, in one line."""
    line = html.escape(re.sub(r"[^\S\xa0]+", " ", str(text)).strip(" "), quote=False)
    return _SIGNS.sub(lambda sign: "".join(f"&#{ord(each)};" for each in sign[0]), line)


def code(text: str) -> str:
    """`text` set as code, or as plain text where it holds signs that would end the code."""
    is_code = text.strip() == text != "" and text.isprintable() and not set(text) & set("`|<>")
    return f"`{text}`" if is_code else plain(text)


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
