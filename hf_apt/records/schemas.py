"""The versions of the records that runs leave, and what becomes of records of other versions.

A record names its schema as `hf_apt.<kind>/<version>`. A change of meaning gets a new version and a
line in the changelog. A record of an older version is read in its present form where nothing is
lost by it, and refused in one sentence otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

SUMMARY = "hf_apt.summary/1"
"""`summary.json` (`hf_apt.stats.depth_summary`)."""

BLOCK_ACCURACY = "hf_apt.block_accuracy/2"
"""`finetune/<task>.json` (`hf_apt.studies.block_accuracy`). Version 1 called the accuracy of the
fine-tuned classifier `own_head`."""

COMMITTEE = "hf_apt.committee/1"
"""`finetune/<task>-committee.json` (`hf_apt.studies.committee`)."""

COMPARISON = "hf_apt.comparison/1"
"""What `hf-apt compare` writes (`hf_apt.studies.run_comparison`)."""


def is_of_kind(record: Any, schema: str) -> bool:
    """Whether `record` is one of the kind that `schema` names, of whatever version."""
    named = record.get("schema") if isinstance(record, dict) else None
    return isinstance(named, str) and named.partition("/")[0] == schema.partition("/")[0]


def in_present_form(record: dict[str, Any], schema: str, path: Path) -> dict[str, Any]:
    """`record`, which was read from `path`, in the form that `schema` names.

    Raises ValueError for a record of another kind, and of a version that cannot be read.
    """
    named = record.get("schema")
    if named == schema:
        return record
    if (named, schema) in _UPGRADES:
        return _UPGRADES[named, schema](record)
    raise ValueError(
        f"{path} is a record of the form {named}, and this version of hf_apt reads "
        f"{' and '.join(_readable(schema))}: make it again, or read it with the version that wrote "
        "it."
    )


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
