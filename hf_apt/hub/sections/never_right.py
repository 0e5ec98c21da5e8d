"""Tokens that the checkpoint never gets right, on a card."""

from __future__ import annotations

from hf_apt.hub.card_section import CardSection, plain
from hf_apt.records.run_records import RunRecords
from hf_apt.report.rows_table import rows_table
from hf_apt.report.section import TextTable

_MOST = 10
"""Tokens that a card names."""


def section(records: RunRecords) -> CardSection | None:
    """The never-right tokens asked most often, and whether they look as if never trained.

    Nothing where every token was right once, or where a run did not keep the rows of its model.
    """
    made = rows_table(records.summary, most=_MOST)
    if made is None:
        return None
    rows = [[plain(cell) for cell in row] for row in made.rows]
    notes = [plain(note) for note in made.notes]
    return CardSection("Never right", TextTable(plain(made.title), made.header, rows, notes))
