"""One self-contained page of a result: its question, the answer, a chart, and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from hf_apt.report.section import TextTable
from hf_apt.stats.pictures.depth_palette import depth_palette


@dataclass(frozen=True, kw_only=True)
class ResultPage:
    """What stands on the page. It has the look of a run's page, and loads nothing."""

    title: str
    """What was compared or measured."""

    question: str
    """The heading."""

    answer: str
    """The answer in a sentence or two."""

    chart: Markup | None
    """The chart that shows it; None for none."""

    caption: str
    """What the chart shows."""

    tables: Sequence[TextTable]
    """The tables, each a section; those without rows say so."""

    notes: Sequence[str]
    """What chart and tables leave unsaid."""

    receipts_end: str
    """What the receipts of all values end with."""

    more: Sequence[str] = ()
    """What else there is to say of it, a line for each."""

    depths: Sequence[str] = ()
    """What stands at each depth, where depths have colours."""

    steps: dict[str, Any] | None = None
    """What the page's slider shows (`hf_apt.report.results.steps`); None for no slider."""

    def rendered(self) -> str:
        """The page as HTML."""
        from hf_apt.report import rendered

        themes = ("light", "dark")
        num = max(len(self.depths), 1)
        palettes = {theme: depth_palette(num, dark=theme == "dark") for theme in themes}
        return rendered("result_page.html.jinja", {"page": self, "palettes": palettes})
