"""What the model gives when it is fine-tuned: a row for each task."""

from __future__ import annotations

from typing import Any

from hf_apt.hub.card_section import CardSection, code, plain
from hf_apt.records.run_records import RunRecords
from hf_apt.records.task_record import TaskRecord
from hf_apt.records.training.training_methods import PLAIN, method_label
from hf_apt.report.formats import NOTHING, PlainEstimate, estimate, number
from hf_apt.report.section import TextTable
from hf_apt.report.tasks.accuracy import best_block
from hf_apt.report.tasks.enough import enough_of
from hf_apt.report.tasks.formats import SHORT_POOLINGS, made_harder, main_pooling

_NOTES = (
    "**Texts**: for training / for testing. **Fine-tuned**: the share of the test texts that this"
    " model with a classifier is right on after fine-tuning. **Without pre-training**: the same,"
    " from fresh weights.",
    "**Best frozen depth**: where a linear head on the states of the model as published is right"
    " most often; in brackets, how they are pooled; **enough** is the first depth within one"
    " standard error of it. ± is the standard error, over seeds or, of one"
    " seed, of the test texts alone.",
    "**Slope**: by how much the fine-tuned classifier's confidence changes with the mean APT of the"
    " text's tokens, the interval in brackets; **within classes**: the same where both are taken"
    " from the mean of the text's class, so that easy classes of common tokens make no slope.",
)


def section(records: RunRecords) -> CardSection | None:
    """The tasks of the checkpoint that was measured; nothing where there are none."""
    if not records.own_tasks:
        return None
    header, *rows = task_table(records.own_tasks)
    return CardSection("Fine-tuning", TextTable("Accuracy by task", header, rows, _NOTES))


def task_table(tasks: dict[str, TaskRecord]) -> list[list[str]]:
    """The results of fine-tuning, a row for each task, the header first; figures are rounded.

    Accuracy of the fine-tuned classifier with and without pre-training, of the best depth of the
    frozen trunk, and the slope of confidence on mean APT: as far as they were measured.
    """
    columns = ["task", "texts", "fine-tuned", "without pre-training", "best frozen depth"]
    columns += ["slope", "within classes"]
    rows = []
    for task, record in tasks.items():
        texts, models = record["provenance"][0], record["models"]
        best = best_block(record)
        confidence = record.get("confidence", {})
        rows.append(
            [
                code(task) + _how(record),
                f"{number(texts['num_train'], 0)} / {number(texts['num_test'], 0)}"
                + (f" (training texts {harder})" if (harder := made_harder(texts)) else ""),
                estimate(models["pretrained"].get("classifier")),
                estimate(models.get("untrained", {}).get("classifier")),
                NOTHING if best is None else _best(record, *best),
                _slope(confidence.get("slope")),
                _slope(confidence.get("within_class_slope")),
            ]
        )
    return [columns, *rows]


def _how(record: TaskRecord) -> str:
    """By which method a run was fine-tuned, where it was not plainly."""
    how = method_label(record["config"]["finetune"])
    return "" if how == PLAIN else f" (by {how})"


def _best(record: TaskRecord, depth: int, accuracy: PlainEstimate) -> str:
    pooling = main_pooling(record)
    name = record["depths"][depth]
    said = f"{plain(name)} ({SHORT_POOLINGS[pooling]}): {estimate(accuracy)}"
    enough = enough_of(record, "frozen", pooling)
    return said if enough in (None, name) else f"{said}; {plain(enough)} is enough"


def _slope(slope: dict[str, Any] | None) -> str:
    if slope is None or slope["value"] is None:
        return NOTHING
    shown = number(slope["value"])
    if slope["low"] is None:
        return shown
    return f"{shown} [{number(slope['low'])}, {number(slope['high'])}]"
