"""Every measure of the own head's answers, at every depth."""

from __future__ import annotations

from hf_apt.hub.card_section import CardSection, plain
from hf_apt.records.run_records import RunRecords
from hf_apt.report.formats import depth_labels
from hf_apt.report.measures_table import measures_table


def section(records: RunRecords) -> CardSection | None:
    """The table of the own head; nothing for a run of a version without measures."""
    own = records.readouts["own_head"]
    table = measures_table(
        "own_head", own, [plain(label) for label in depth_labels(records.summary)]
    )
    if table is None:
        return None
    return CardSection(
        "Loss, and where the answer is found", table, "By the own head, at every modified position."
    )
