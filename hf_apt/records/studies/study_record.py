"""What any study of a model leaves: its answer, tables and figures in one form that all show alike.

Page, terminal, model card and `hf-apt compare` are made of this form. A new study needs nothing
else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from hf_apt.records.command import typed_command
from hf_apt.records.environment import environment
from hf_apt.records.fingerprints import recorded_identity
from hf_apt.stats.depth_figures import PlainEstimate

STUDY = "hf_apt.study/1"
"""Schema of `studies/<name>.json`."""

Cell = str | int | float | None | PlainEstimate
"""A cell of a table; None for what is not known."""


class StudyTable(TypedDict):
    """A table of numbers: they are rounded where they are shown, not here."""

    title: str
    header: Sequence[str]
    """Names of the columns; the first one names the rows."""
    rows: Sequence[Sequence[Cell]]
    notes: NotRequired[Sequence[str]]
    """Sentences that say what the columns mean."""


class StudyFigure(TypedDict):
    """Lines with bars of one standard error over the same places, mostly the depths."""

    title: str
    y_label: str
    x_labels: Sequence[str]
    x_label: NotRequired[str]
    """What the places are; the depth if it is left out."""
    curves: Mapping[str, Sequence[PlainEstimate | None]]
    chance: NotRequired[float | None]
    """Where a line is drawn that means nothing was learnt."""
    over: NotRequired[str]
    """What the standard errors are over: seeds, draws, texts."""
    unit: NotRequired[str]
    """What the numbers of the estimates count, a plural: seeds."""


class StudyScatter(TypedDict):
    """Points in groups, each with a colour and a name: what single texts or tokens do."""

    title: str
    x_label: str
    y_label: str
    groups: Mapping[str, Sequence[Sequence[float]]]
    """Points [x, y] by group."""
    x_limits: NotRequired[Sequence[float]]
    y_limits: NotRequired[Sequence[float]]
    """The first and last value of the axis; those of the points if left out."""


class StudyRecord(TypedDict):
    """`studies/<study>-<subject>.json`, or `studies/<study>.json` where it has no subject."""

    schema: str
    study: str
    subject: str
    title: str
    question: str
    checkpoint: str
    weights: str | None
    model_config: NotRequired[str | None]
    findings: list[str]
    tables: list[StudyTable]
    figures: list[StudyFigure | StudyScatter]
    results: dict[str, Any]
    config: dict[str, Any]
    provenance: dict[str, Any]
    command: str
    environment: dict[str, Any]


def study_record(
    *,
    study: str,
    subject: str,
    title: str,
    question: str,
    checkpoint: str,
    findings: Sequence[str],
    tables: Sequence[StudyTable],
    figures: Sequence[StudyFigure | StudyScatter] = (),
    results: Mapping[str, Any],
    config: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> StudyRecord:
    """The record of a study, with what it was made of and by.

    Args:
        study: what the study is called, as its command is: `kernels`.
        subject: the task or text that it was about, where there can be several; else empty.
        title: the heading of its section on the page.
        question: what a reader asks, one sentence.
        checkpoint: the model as it was named; the fingerprints of its files are added.
        findings: the answer first, at least one; sentences with numbers and errors.
        tables: at least one, each row as long as its header.
        figures: what is drawn.
        results: all numbers, in the study's own form.
        config: what was asked for.
        provenance: the text or the task: name, fingerprints, numbers.

    Returns:
        The record as JSON has it. NaN and infinite numbers, which JSON does not have, are None.

    Raises:
        ValueError: for a name that no file can have, for rows or curves of another length than
            their header or places, and for points that are not two numbers.
    """
    for word in filter(None, (study, subject)):
        if not re.fullmatch(r"\w[\w.+-]*", word):
            raise ValueError(
                f"a study of {word!r} cannot be kept in a file of that name: use letters, digits, "
                "and the signs . + - _."
            )
    record = {
        "schema": STUDY,
        "study": study,
        "subject": subject,
        "title": title,
        "question": question,
        "checkpoint": checkpoint,
        **recorded_identity(checkpoint),
        "findings": list(findings),
        "tables": [dict(table) for table in tables],
        "figures": [dict(figure) for figure in figures],
        "results": results,
        "config": config,
        "provenance": provenance,
        "command": typed_command(),
        "environment": environment(),
    }
    require_whole(record, f"the study {study}")
    return json.loads(json.dumps(_finite(record)))


def study_name(record: StudyRecord) -> str:
    """What a study is called beside others: with its subject, if it has one."""
    return "-".join(filter(None, (record["study"], record["subject"])))


def require_whole(record: Mapping[str, Any], where: str) -> None:
    """Raise ValueError unless there is a finding, and rows and curves are as long as they should.

    The points of a scatter have two numbers each.

    `where` names the record in the sentence.
    """
    if not record["findings"]:
        raise ValueError(f"{where} has no finding: make it again.")
    for table in record["tables"]:
        width = len(table["header"])
        for row in table["rows"]:
            if len(row) != width:
                raise ValueError(
                    f"{where} has a row of {len(row)} cells in a table of {width} columns "
                    f"({table['title']}): make it again."
                )
    for figure in record["figures"]:
        if "groups" in figure:
            if any(len(point) != 2 for points in figure["groups"].values() for point in points):
                raise ValueError(
                    f"{where} has points that are not two numbers ({figure['title']}): make it "
                    "again."
                )
            continue
        num = len(figure["x_labels"])
        for name, curve in figure["curves"].items():
            if len(curve) != num:
                raise ValueError(
                    f"{where} has {len(curve)} values of {name} at {num} places "
                    f"({figure['title']}): make it again."
                )


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    if hasattr(value, "tolist"):  # an array or a scalar of NumPy
        return _finite(value.tolist())
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
