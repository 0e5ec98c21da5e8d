"""All sections, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable

from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section
from hf_apt.report.sections import (
    blocks,
    clusters,
    confusion,
    frequency,
    measures,
    provenance,
    rarefaction,
    ruler,
    similarity,
    tasks,
    token,
    treatment,
)

SECTIONS: tuple[Callable[[PageView], Section | None], ...] = (
    blocks.section,
    measures.section,
    similarity.section,
    treatment.section,
    rarefaction.section,
    frequency.section,
    confusion.section,
    clusters.section,
    token.section,
    tasks.section,
    ruler.section,
    provenance.section,
)
"""A new section is a line here (`hf_apt.report.section`)."""
