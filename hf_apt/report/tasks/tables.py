"""The tables about a task: records of fine-tuning as rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hf_apt.records.task_records import gap
from hf_apt.report.formats import NOTHING, PlainEstimate, estimate, estimates, number
from hf_apt.report.tasks.formats import (
    PROTOCOLS,
    SCORES,
    SHORT_POOLINGS,
    estimate_of,
    main_pooling,
    pooled,
)

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
    record: dict[str, Any], mean_apt: list[PlainEstimate] | None, labels: Sequence[str]
) -> list[dict[str, Any]]:
    """Accuracy by depth, protocol and pooling beside mean APT; then what there is besides."""
    main = main_pooling(record)
    apt: list[tuple[str, Sequence[Column]]] = [("", [("mean APT", mean_apt)])] if mean_apt else []
    wanted = [
        ("Accuracy by depth", [*apt, *_linear(record, "pretrained")]),
        ("The same without pre-training", _linear(record, "untrained")),
        (
            f"Class means and nearest neighbours, on {pooled(main)}",
            _group_of(record, main, ("prototype", "neighbours"), ("frozen", "finetuned")),
        ),
        (
            f"Scores of the frozen trunk, on {pooled(main)}",
            _group_of(record, main, tuple(SCORES), ("frozen",)),
        ),
    ]
    return [table(title, "depth", labels, groups) for title, groups in wanted if groups]


def _linear(record: dict[str, Any], model: str) -> list[tuple[str, Sequence[Column]]]:
    """Linear heads by protocol and pooling, and the classifier of the cut trunk."""
    found: list[tuple[str, Sequence[Column]]] = []
    for protocol in ("frozen", "finetuned"):
        columns = [
            (short, column)
            for pooling, short in SHORT_POOLINGS.items()
            if (column := estimate_of(record, model, protocol, pooling, "linear"))
        ]
        if columns:
            found.append((PROTOCOLS[protocol], columns))
    cut = record["models"].get(model, {}).get("cut")
    return [*found, ("", [("cut", cut)])] if cut else found


def _group_of(
    record: dict[str, Any], pooling: str, names: Sequence[str], protocols: Sequence[str]
) -> list[tuple[str, Sequence[Column]]]:
    headers = {"prototype": "class means", "neighbours": "neighbours"} | SCORES
    found = [
        (
            PROTOCOLS[protocol],
            [
                (headers[name], column)
                for name in names
                if (column := estimate_of(record, "pretrained", protocol, pooling, name))
            ],
        )
        for protocol in protocols
    ]
    return [group for group in found if group[1]]


def agreement_table(record: dict[str, Any]) -> dict[str, Any] | None:
    """Rank correlations over depths: a row for each score and mean APT, a column a protocol."""
    main = main_pooling(record)
    by_protocol = {
        protocol: found[main]
        for protocol in PROTOCOLS
        if main in (found := (record.get("agreement") or {}).get(protocol, {}))
    }
    names = [name for name in SCORES if any(name in found for found in by_protocol.values())]
    if not names:
        return None
    return {
        "pooling": pooled(main),
        "num": len(record["depths"]),
        "header": ["", *(PROTOCOLS[protocol] for protocol in by_protocol)],
        "rows": [
            [
                SCORES[name],
                *(estimate(found.get(name), signed=True) for found in by_protocol.values()),
            ]
            for name in names
        ],
    }


def overview(records: dict[str, dict[str, Any]]) -> dict[str, Any]:
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
