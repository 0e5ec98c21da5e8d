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
    sentences,
    similarity,
    studies,
    tasks,
    token,
    treatment,
)

SECTIONS: tuple[Callable[[PageView], Section | None], ...] = (
    sentences.section,
    blocks.section,
    ruler.section,
    token.section,
    confusion.section,
    clusters.section,
    frequency.section,
    tasks.section,
    studies.section,
    treatment.section,
    measures.section,
    similarity.section,
    rarefaction.section,
    provenance.section,
)
"""A new section is a line here (`hf_apt.report.section`)."""

FOLDED = ("treatment", "measures", "similarity", "rarefaction")
"""Sections that a reader opens: what few ask for first."""
