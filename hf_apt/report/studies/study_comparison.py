"""One study of several runs side by side: each table with a column that names the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from hf_apt.records.studies.study_record import StudyRecord, StudyTable


def compared_studies(records: Mapping[str, StudyRecord]) -> list[StudyTable]:
    """The tables that all runs have, their rows in turns, the run's name first.

    `records` are the records of one study by run. Tables are the same if title and header are. A
    row's neighbours are those of the same name in the other runs.

    Raises ValueError for records of different studies, and where no table is in all of them.
    """
    studies = {record["study"] for record in records.values()}
    if len(studies) != 1:
        raise ValueError(f"these are different studies: {', '.join(sorted(studies))}.")
    first, *others = records.values()
    tables = [
        _joined(table, records)
        for table in first["tables"]
        if all(_like(table, other) is not None for other in others)
    ]
    if not tables:
        raise ValueError(
            f"the runs have no table of the study {first['study']} in common: make it with the "
            "same settings for each."
        )
    return tables


def _like(table: StudyTable, record: StudyRecord) -> StudyTable | None:
    """The table of `record` with the title and header of `table`."""
    for other in record["tables"]:
        if (other["title"], list(other["header"])) == (table["title"], list(table["header"])):
            return other
    return None


def _joined(table: StudyTable, records: Mapping[str, StudyRecord]) -> StudyTable:
    of_run = {run: cast(StudyTable, _like(table, record)) for run, record in records.items()}
    names = dict.fromkeys(row[0] for one in of_run.values() for row in one["rows"])
    first, *rest = table["header"]
    return {
        "title": table["title"],
        "header": [first, "run", *rest],
        "rows": [
            [name, run, *row[1:]]
            for name in names
            for run, one in of_run.items()
            for row in one["rows"]
            if row[0] == name
        ],
        "notes": table.get("notes", []),
    }
