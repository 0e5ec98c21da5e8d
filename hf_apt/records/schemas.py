"""The versions of the records that runs leave, and what becomes of records of other versions.

A record names its schema as `hf_apt.<kind>/<version>`. A change of meaning gets a new version and a
line in the changelog. A record of an older version is read in its present form where nothing is
lost by it, and refused in one sentence otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from hf_apt.records.studies.study_record import STUDY, StudyRecord
from hf_apt.records.summary_record import Summary
from hf_apt.records.task_record import CommitteeRecord, ComparisonRecord, TaskRecord

SUMMARY = "hf_apt.summary/1"
"""Schema of `summary.json` (`hf_apt.stats.depth_summary`)."""

BLOCK_ACCURACY = "hf_apt.block_accuracy/2"
"""Schema of `finetune/<task>.json` (`hf_apt.studies.block_accuracy`). Version 1 called the accuracy
of the fine-tuned classifier `own_head`."""

COMMITTEE = "hf_apt.committee/1"
"""Schema of `finetune/<task>-committee.json` (`hf_apt.studies.committee`)."""

COMPARISON = "hf_apt.comparison/1"
"""Schema of what `hf-apt compare` writes (`hf_apt.studies.run_comparison`)."""


def is_of_kind(record: Any, schema: str) -> bool:
    """Whether `record` is one of the kind that `schema` names, of whatever version."""
    named = record.get("schema") if isinstance(record, dict) else None
    return isinstance(named, str) and named.partition("/")[0] == schema.partition("/")[0]


def in_present_form(record: dict[str, Any], schema: str, path: Path) -> dict[str, Any]:
    """`record`, which was read from `path`, in the form that `schema` names.

    Raises ValueError for a record of another kind, of a version that cannot be read, and for one
    in which a key of its form is missing or of another type.
    """
    named = record.get("schema") if isinstance(record, dict) else None
    if named == schema:
        _require_form(record, schema, path)
        return record
    if isinstance(named, str) and (named, schema) in _UPGRADES:
        _require_form(record, schema, path)
        return _UPGRADES[named, schema](record)
    raise ValueError(
        f"{path} is a record of the form {named}, and this version of hf_apt reads "
        f"{' and '.join(_readable(schema))}: make it again, or read it with the version that wrote "
        "it."
    )


def _require_form(record: dict[str, Any], schema: str, path: Path) -> None:
    """Raise ValueError unless the figures are there, and no key is of another type than its own.

    Any other key may be missing or null, and what is inside an object or a list is checked
    where it is read.
    """
    hints = get_type_hints(_FORMS[schema])
    for key in _FIGURES[schema]:
        if record.get(key) is None:
            raise ValueError(f"{path} does not say {key}: it was changed. Make it again.")
    for key in record.keys() & hints.keys():
        if record[key] is not None and not isinstance(record[key], _kinds(hints[key])):
            raise ValueError(
                f"{path} says {type(record[key]).__name__} for {key}: it was changed. Make it "
                "again."
            )


def _kinds(hint: Any) -> tuple[type, ...]:
    """The types that JSON has for a hint."""
    if isinstance(hint, UnionType):
        return tuple(kind for part in get_args(hint) for kind in _kinds(part))
    if is_typeddict(hint):
        return (dict,)
    if hint is float:
        return (float, int)
    return (get_origin(hint) or hint,)


_FIGURES: dict[str, tuple[str, ...]] = {
    SUMMARY: ("readouts",),
    BLOCK_ACCURACY: ("models",),
    COMMITTEE: (),
    COMPARISON: (),
    STUDY: ("findings", "tables", "figures"),
}

_FORMS: dict[str, Any] = {
    SUMMARY: Summary,
    BLOCK_ACCURACY: TaskRecord,
    COMMITTEE: CommitteeRecord,
    COMPARISON: ComparisonRecord,
    STUDY: StudyRecord,
}


def _readable(schema: str) -> list[str]:
    return [*(old for old, new in _UPGRADES if new == schema), schema]


def _with_classifier(record: dict[str, Any]) -> dict[str, Any]:
    models = {
        model: {
            ("classifier" if name == "own_head" else name): value for name, value in figures.items()
        }
        for model, figures in record["models"].items()
    }
    return record | {"schema": BLOCK_ACCURACY, "models": models}


_UPGRADES: dict[tuple[Any, str], Callable[[dict[str, Any]], dict[str, Any]]] = {
    ("hf_apt.block_accuracy/1", BLOCK_ACCURACY): _with_classifier,
}
