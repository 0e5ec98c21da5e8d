"""The records of studies in a run's folder, `studies/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hf_apt.reading import read_json
from hf_apt.records.run import Run
from hf_apt.records.schemas import in_present_form
from hf_apt.records.studies.study_record import STUDY, StudyRecord, require_whole, study_name


def write_study(run: Run, record: StudyRecord) -> Path:
    """Write a study's record into the run's folder, whole or not at all.

    Returns:
        The path of the file, which replaces that of an earlier study of the same name.
    """
    name = _file(study_name(record))
    run.write_json(name, record)
    return run.path(name)


def read_study(run: Run, name: str) -> StudyRecord:
    """The record of the study called `name`, such as `kernels-agnews`.

    Raises ValueError, with the names of those that are there, if there is none; and with the file's
    name if it cannot be read or is of another form.
    """
    path = run.path(_file(name))
    if not path.exists():
        there = [each.stem for each in sorted(path.parent.glob("*.json"))]
        raise ValueError(
            f"{run.folder} has no study {name}"
            + (f": choose one of {', '.join(there)}." if there else ", nor any other.")
        )
    record = in_present_form(read_json(path), STUDY, path)
    try:
        require_whole(record, str(path))
    except (KeyError, TypeError, AttributeError):
        raise ValueError(f"{path} was changed: make it again.") from None
    return record  # pyright: ignore[reportReturnType]


def read_studies(run: Run) -> list[StudyRecord]:
    """The records of all studies in a run's folder, by name. Raises ValueError as `read_study`."""
    return [read_study(run, path.stem) for path in sorted(run.path("studies").glob("*.json"))]


def is_of_the_run(record: StudyRecord, model: dict[str, Any]) -> bool:
    """Whether a study is about the checkpoint that a run's summary describes as `model`."""
    from hf_apt.records.fingerprints import is_same_checkpoint

    if model.get("weights") is None is record["weights"]:
        return model.get("name") == record["checkpoint"]
    return is_same_checkpoint(model, record)


def _file(name: str) -> str:
    return f"studies/{name}.json"
