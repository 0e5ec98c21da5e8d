"""Is it normal? The ruler of a card."""

from __future__ import annotations

from hf_apt.hub.card_section import CardSection, plain
from hf_apt.records.run_records import RunRecords
from hf_apt.report.ruler_table import ruler_sentence, ruler_table
from hf_apt.report.section import TextTable


def section(records: RunRecords) -> CardSection | None:
    """What guessing reaches on the text asked, the model, and other models.

    Nothing for a run of a version that had no ruler.
    """
    made = ruler_table(records.summary)
    if made is None:
        return None
    rows = [[plain(cell) for cell in row] for row in made.rows]
    notes = [plain(note) for note in made.notes]
    table = TextTable(plain(made.title), ["model or guess", *made.header[1:]], rows, notes)
    return CardSection("Is it normal?", table, plain(ruler_sentence(records.summary)))
