"""What a run's records say of tasks, as the page shows it: accuracy by depth beside mean APT."""

from __future__ import annotations

from functools import partial
from typing import Any

from markupsafe import Markup

from hf_apt.records.run import Run
from hf_apt.records.task_records import gap, is_of_this_model
from hf_apt.report.formats import PlainEstimate, estimate, number, percent
from hf_apt.report.svg import MUTED, both_widths
from hf_apt.report.tasks import figures as figures
from hf_apt.report.tasks.committee import committee_content
from hf_apt.report.tasks.confidence import confidence_content
from hf_apt.report.tasks.figures import BLUE, GREEN, ORANGE, Line
from hf_apt.report.tasks.formats import (
    checkpoint_name,
    depth_place,
    estimate_of,
    main_pooling,
    pooled,
    seeds_and_errors,
)
from hf_apt.report.tasks.tables import accuracy_tables, agreement_table, overview

Curves = dict[str, list[PlainEstimate]]


def tasks_content(run: Run, summary: dict[str, Any]) -> dict[str, Any] | None:
    """What the template shows of the tasks of `run`; None if there is no record of any.

    `tasks` has an entry for each, by name; `overview` a table of all where there are several.
    """
    finetuned, committees = run.finetuned(), run.committees()
    names = sorted({*finetuned, *committees})
    if not names:
        return None
    tasks = [
        {"name": name}
        | _of_record(finetuned.get(name), summary)
        | {"committee": committee_content(committees[name]) if name in committees else None}
        for name in names
    ]
    several = len(finetuned) > 1
    return {"tasks": tasks, "overview": overview(finetuned) if several else None}


def _of_record(record: dict[str, Any] | None, summary: dict[str, Any]) -> dict[str, Any]:
    """The parts that a record of fine-tuning gives; None for what it does not."""
    parts = ("lead", "figure", "note", "tables", "agreement", "confidence")
    if record is None:
        return dict.fromkeys(parts)
    labels = [name.replace(" ", "\xa0") for name in record["depths"]]
    curves = _apt_curves(record, summary)
    return {
        "lead": _lead(record, labels, is_of_this_model(record, summary)),
        "figure": _figure(record, curves, labels),
        "note": _note(record, curves),
        "tables": accuracy_tables(record, curves.get("own_head"), labels),
        "agreement": agreement_table(record),
        "confidence": confidence_content(record["task"], record.get("confidence")),
    }


def _apt_curves(record: dict[str, Any], summary: dict[str, Any]) -> Curves:
    """Mean APT at each depth by readout, where it is that of the model that was fine-tuned."""
    if not is_of_this_model(record, summary):
        return {}
    return {
        name: [depth["mean_apt"]["pooled"] for depth in summary["readouts"][name]]
        for name in ("own_head", "linear_head", "untrained")
        if len(summary["readouts"].get(name) or ()) == len(record["depths"])
    }


def _lead(record: dict[str, Any], labels: list[str], is_own: bool) -> list[str]:
    texts, models = record["provenance"][0], record["models"]
    sentences = [
        f"{number(texts['num_train'], 0)} training and {number(texts['num_test'], 0)} test texts of"
        f" {texts['num_labels']} classes; chance is {number(record['chance'])}."
    ]
    if not is_own:
        name = checkpoint_name(record["checkpoint"])
        sentences.insert(0, f"This is of another model than the rest of the page: {name}.")
    tuned = models["pretrained"].get("classifier")
    fresh = models.get("untrained", {}).get("classifier")
    if tuned:
        sentences.append(f"Fine-tuned, the model is right on {estimate(tuned)} of the test texts.")
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
    if "best_accuracy" in texts:
        best_possible = number(texts["best_accuracy"])
        sentences.append(f"The exact best classifier of these texts is right on {best_possible}.")
    return [*sentences, *_overlap(record.get("overlap"))]


def best_block(record: dict[str, Any]) -> tuple[int, PlainEstimate] | None:
    """The depth at which a linear head on the frozen trunk is best, and its accuracy there."""
    curve = _linear(record, "pretrained", "frozen", main_pooling(record))
    if curve is None:
        return None
    depth = max(range(len(curve)), key=lambda index: curve[index]["value"])
    return depth, curve[depth]


def _linear(
    record: dict[str, Any], model: str, protocol: str, pooling: str
) -> list[PlainEstimate] | None:
    return estimate_of(record, model, protocol, pooling, "linear")


def _figure(record: dict[str, Any], curves: Curves, labels: list[str]) -> Markup | None:
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
        Line(name, accuracy, colour, marker)
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
    return both_widths(
        f"accuracy-{record['task']}", f"Accuracy on {record['task']} by depth{beside}", draw
    )


def _note(record: dict[str, Any], curves: Curves) -> str:
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
