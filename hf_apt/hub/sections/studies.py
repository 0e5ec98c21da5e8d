"""The studies of the model: a row with the answer of each."""

from __future__ import annotations

from hf_apt.hub.card_section import CardSection, plain
from hf_apt.records.run_records import RunRecords
from hf_apt.records.studies.study_files import is_of_the_run, read_studies
from hf_apt.report.section import TextTable
from hf_apt.report.studies.study_tables import study_title


def section(records: RunRecords) -> CardSection | None:
    """The findings of all studies of the model that was measured; nothing where there are none."""
    model = records.summary["model"] or {}
    rows = [
        [plain(study_title(record)), plain(" ".join(record["findings"]))]
        for record in read_studies(records.run)
        if is_of_the_run(record, model)
    ]
    if not rows:
        return None
    return CardSection("Studies", TextTable("Studies of the model", ["study", "answer"], rows))
