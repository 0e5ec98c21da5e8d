"""All sections of a card with figures, in the order of the card."""

from __future__ import annotations

from collections.abc import Callable

from hf_apt.hub.card_section import CardSection
from hf_apt.hub.sections import blocks, finetuning, measures, never_right, ruler, studies
from hf_apt.records.run_records import RunRecords

SECTIONS: tuple[Callable[[RunRecords], CardSection | None], ...] = (
    blocks.section,
    measures.section,
    never_right.section,
    finetuning.section,
    studies.section,
    ruler.section,
)
"""A new section is a line here (`hf_apt.hub.card_section`)."""
