"""The tables about a task: records of fine-tuning as rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hf_apt.records.task_record import TaskRecord
from hf_apt.records.task_records import gap
from hf_apt.report.formats import NOTHING, PlainEstimate, estimate, estimates, number
from hf_apt.report.tasks.formats import (
    SHORT_POOLINGS,
    estimate_of,
    main_pooling,
    pooled,
)
from hf_apt.stats.labels import PROTOCOL_LABELS, SCORE_LABELS

Column = tuple[str, Sequence[PlainEstimate]]
"""A header and the estimates below it."""


def table(
    title: str, first: str, rows: Sequence[str], groups: Sequence[tuple[str, Sequence[Column]]]
) -> dict[str, Any]:
    """A table as the template takes it: columns of estimates in groups, a row for each depth.

    A group without a name stands for its columns alone. `groups` of the result are names and
    headers, `rows` the cells, the row's label first.
    """
    columns = [estimates(column) for _, group in groups for _, column in group]
    return {
        "title": title,
        "first": first,
        "groups": [(name, [header for header, _ in group]) for name, group in groups],
        "rows": [list(row) for row in zip(rows, *columns, strict=True)],
    }


def accuracy_tables(
    record: TaskRecord, mean_apt: list[PlainEstimate] | None, labels: Sequence[str]
) -> list[dict[str, Any]]:
    """Accuracy by depth, protocol and pooling beside mean APT; then the other tables."""
    main = main_pooling(record)
    apt: list[tuple[str, Sequence[Column]]] = [("", [("mean APT", mean_apt)])] if mean_apt else []
    wanted = [
        ("Accuracy by depth", [*apt, *_linear(record, "pretrained")]),
        ("The same without pre-training", _linear(record, "untrained")),
        (
            f"Class means and nearest neighbours, on {pooled(main)}",
            _group_of(
                record,
                main,
                ("prototype", "prototype_cosine", "neighbours"),
                ("frozen", "finetuned"),
            ),
        ),
        (
            f"Scores of the frozen trunk, on {pooled(main)}",
            _group_of(record, main, tuple(SCORE_LABELS), ("frozen",)),
        ),
    ]
    return [table(title, "depth", labels, groups) for title, groups in wanted if groups]


def _linear(record: TaskRecord, model: str) -> list[tuple[str, Sequence[Column]]]:
    """Linear heads by protocol and pooling, and the classifier of the cut trunk."""
    groups: list[tuple[str, Sequence[Column]]] = []
    for protocol in ("frozen", "finetuned"):
        columns = [
            (short, column)
            for pooling, short in SHORT_POOLINGS.items()
            if (column := estimate_of(record, model, protocol, pooling, "linear"))
        ]
        if columns:
            groups.append((PROTOCOL_LABELS[protocol], columns))
    cut = record["models"].get(model, {}).get("cut")
    return [*groups, ("", [("cut", cut)])] if cut else groups


def _group_of(
    record: TaskRecord, pooling: str, names: Sequence[str], protocols: Sequence[str]
) -> list[tuple[str, Sequence[Column]]]:
    headers = {
        "prototype": "class means",
        "prototype_cosine": "by cosine",
        "neighbours": "neighbours",
    } | SCORE_LABELS
    groups = [
        (
            PROTOCOL_LABELS[protocol],
            [
                (headers[name], column)
                for name in names
                if (column := estimate_of(record, "pretrained", protocol, pooling, name))
            ],
        )
        for protocol in protocols
    ]
    return [group for group in groups if group[1]]


def overview(records: dict[str, TaskRecord]) -> dict[str, Any]:
    """One row for each task: accuracy with and without pre-training, chance, texts."""
    rows = []
    for task, record in records.items():
        texts, models = record["provenance"][0], record["models"]
        tuned = models["pretrained"].get("classifier")
        fresh = models.get("untrained", {}).get("classifier")
        rows.append(
            [
                task,
                estimate(tuned),
                estimate(fresh),
                estimate(gap(tuned, fresh), signed=True),
                number(record["chance"]),
                *(number(texts[name], 0) for name in ("num_labels", "num_train", "num_test")),
            ]
        )
    header = [
        *("task", "fine-tuned", "without pre-training", "gain", "chance"),
        *("classes", "training texts", "test texts"),
    ]
    shown = [index for index in range(len(header)) if any(row[index] != NOTHING for row in rows)]
    return {
        "header": [header[index] for index in shown],
        "rows": [[row[index] for index in shown] for row in rows],
    }
