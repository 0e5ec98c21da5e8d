"""Accuracy on a task by depth, beside mean APT: words, figure and tables."""

from __future__ import annotations

from functools import partial
from typing import Any

from markupsafe import Markup

from hf_apt.records.checkpoints import run_name
from hf_apt.records.summary_record import Summary
from hf_apt.records.task_record import TaskRecord
from hf_apt.records.task_records import gap, is_of_this_model
from hf_apt.report.charts.task_charts import depth_data, depth_points
from hf_apt.report.formats import PlainEstimate, estimate, number, percent
from hf_apt.report.section import Section
from hf_apt.report.svg import MUTED, both_widths
from hf_apt.report.tasks import figures
from hf_apt.report.tasks.enough import enough_sentences
from hf_apt.report.tasks.figures import BLUE, GREEN, ORANGE, Line
from hf_apt.report.tasks.formats import (
    depth_place,
    estimate_of,
    made_harder,
    main_pooling,
    pooled,
    seeds_and_errors,
)
from hf_apt.report.tasks.tables import accuracy_tables
from hf_apt.report.tasks.task_view import TaskView
from hf_apt.stats.labels import READOUT_LABELS

Curves = dict[str, list[PlainEstimate]]
_NAMES = {"frozen": "frozen", "finetuned": "fine-tuned"}


def part(view: TaskView) -> Section | None:
    """What fine-tuning gave at every depth; nothing where there is no record of it."""
    record, summary = view.record, view.summary
    if record is None:
        return None
    labels = [name.replace(" ", "\xa0") for name in record["depths"]]
    curves = _apt_curves(record, summary)
    return Section(
        "accuracy",
        "Accuracy by depth",
        {
            "lead": _lead(record, labels, is_of_this_model(record, summary)),
            "figure": _figure(record, curves, labels),
            "note": _note(record, curves),
            "tables": accuracy_tables(record, curves.get("own_head"), labels),
        },
    )


def _apt_curves(record: TaskRecord, summary: Summary) -> Curves:
    """Mean APT at each depth by readout, where it is that of the model that was fine-tuned."""
    if not is_of_this_model(record, summary):
        return {}
    return {
        name: [depth["mean_apt"]["pooled"] for depth in summary["readouts"][name]]
        for name in ("own_head", "linear_head", "untrained")
        if len(summary["readouts"].get(name) or ()) == len(record["depths"])
    }


def _lead(record: TaskRecord, labels: list[str], is_own: bool) -> list[str]:
    texts, models = record["provenance"][0], record["models"]
    sentences = [
        f"{number(texts['num_train'], 0)} training and {number(texts['num_test'], 0)} test texts of"
        f" {texts['num_labels']} classes; chance is {number(record['chance'])}."
    ]
    if harder := made_harder(texts):
        sentences.append(f"The training texts were {harder}; the test texts were left as they are.")
    if not is_own:
        name = run_name(record["checkpoint"])
        sentences.insert(0, f"This is of another model than the rest of the page: {name}.")
    tuned = models["pretrained"].get("classifier")
    fresh = models.get("untrained", {}).get("classifier")
    if tuned:
        score = models["pretrained"].get("macro_f1")
        sentences.append(
            f"Fine-tuned, the model is right on {estimate(tuned)} of the test texts"
            f"{f'; its macro F1 is {estimate(score)}' if score else ''}."
        )
    added = gap(tuned, fresh)
    if fresh and added:
        sentences.append(
            f"Without pre-training the same gives {estimate(fresh)}: pre-training adds"
            f" {estimate(added)}."
        )
    best = best_block(record)
    if best is not None:
        depth, accuracy = best
        sentences.append(
            f"On the frozen trunk, a linear head on {pooled(main_pooling(record))} does best"
            f" {depth_place(labels[depth])}: {estimate(accuracy)}."
        )
    sentences += enough_sentences(record)
    if "best_accuracy" in texts:
        best_possible = number(texts["best_accuracy"])
        sentences.append(f"The exact best classifier of these texts is right on {best_possible}.")
    return [*sentences, *_overlap(record.get("overlap"))]


def best_block(record: TaskRecord) -> tuple[int, PlainEstimate] | None:
    """The depth at which a linear head on the frozen trunk is best, and its accuracy there."""
    curve = _linear(record, "pretrained", "frozen", main_pooling(record))
    if curve is None:
        return None
    depth = max(range(len(curve)), key=lambda index: curve[index]["value"])
    return depth, curve[depth]


def _linear(
    record: TaskRecord, model: str, protocol: str, pooling: str
) -> list[PlainEstimate] | None:
    return estimate_of(record, model, protocol, pooling, "linear")


def _figure(record: TaskRecord, curves: Curves, labels: list[str]) -> Markup | None:
    main = main_pooling(record)
    wanted = [
        ("untrained", "finetuned", main, "untrained", MUTED, "."),
        ("pretrained", "frozen", main, "frozen", ORANGE, "s"),
        ("pretrained", "finetuned", main, "fine-tuned", BLUE, "o"),
    ]
    if main != "cls":
        wanted += [
            ("pretrained", "frozen", "cls", "", ORANGE, ""),
            ("pretrained", "finetuned", "cls", "", BLUE, ""),
        ]
    lines = [
        Line(name, accuracy, colour, marker, f"{name or _NAMES[protocol]}, {pooled(pooling)}")
        for model, protocol, pooling, name, colour, marker in wanted
        if (accuracy := _linear(record, model, protocol, pooling))
    ]
    cut = record["models"]["pretrained"].get("cut")
    if cut:
        lines.append(Line("cut", cut, GREEN, "D"))
    if not lines:
        return None
    draw = partial(figures.accuracy_by_depth, lines, record["chance"], curves, labels)
    beside = ", beside mean APT by depth" if curves else ""
    said = (
        [(line.said or line.name, line.accuracy) for line in lines],
        [(READOUT_LABELS[name], curve) for name, curve in curves.items()],
        labels,
    )
    return both_widths(
        f"accuracy-{record['task']}",
        f"Accuracy on {record['task']} by depth{beside}",
        draw,
        depth_points(*said, record["config"]["num_seeds"]),
        depth_data(*said),
    )


def _note(record: TaskRecord, curves: Curves) -> str:
    main, models = main_pooling(record), record["models"]
    dashed = (
        ", dashed on [CLS]" if main != "cls" and "cls" in models["pretrained"]["frozen"] else ""
    )
    sentences = [f"Linear heads on {pooled(main)}{dashed}; frozen: of the trunk as pre-trained."]
    if "finetuned" in models["pretrained"]:
        sentences.append("Fine-tuned: of the trunk after fine-tuning.")
    if models["pretrained"].get("cut"):
        sentences.append("Cut: the trunk cut there, what is left fine-tuned, its own classifier.")
    if "finetuned" in models.get("untrained", {}):
        sentences.append("Untrained: fine-tuned from fresh weights.")
    if curves:
        sentences.append("Mean APT is that of the first figure above.")
    return " ".join([*sentences, seeds_and_errors(record)])


def _overlap(overlap: dict[str, Any] | None) -> list[str]:
    if not overlap or overlap["types"] is None:
        return []
    return [
        f"Of the {number(overlap['num_types'], 0)} distinct tokens in these texts"
        f" {percent(overlap['types'], 1)} occur in the pre-training corpus; of all"
        f" {number(overlap['num_occurrences'], 0)} tokens {percent(overlap['occurrences'], 1)}."
    ]
