"""A soft committee on the page: accuracy against its size, and what an answer costs."""

from __future__ import annotations

from functools import partial
from typing import Any

from hf_apt.records.checkpoints import run_name
from hf_apt.records.task_record import CommitteeRecord, MemberRecord
from hf_apt.report.charts.task_charts import size_data, size_points
from hf_apt.report.formats import NOTHING, PlainEstimate, estimate, number
from hf_apt.report.section import Section
from hf_apt.report.svg import both_widths
from hf_apt.report.tasks import figures
from hf_apt.report.tasks.task_view import TaskView
from hf_apt.stats.labels import COMBINATION_LABELS


def part(view: TaskView) -> Section | None:
    """Accuracy by size and cost of a committee; nothing where there is no record of one."""
    record = view.committee
    if record is None:
        return None
    curves = {name: points for name, points in record["curves"].items() if points}
    estimates = {
        name: [_estimate(point, record["provenance"]["num_test"]) for point in points]
        for name, points in curves.items()
    }
    task, num_members = record["task"], len(record["members"])
    draw = partial(
        figures.accuracy_by_size, estimates, _accuracy(record["reference"]), COMBINATION_LABELS
    )
    description = f"Accuracy of committees on {task} by the number of their members"
    named = {COMBINATION_LABELS[name]: curve for name, curve in estimates.items()}
    drawn = (f"committee-{task}", description, draw, size_points(named), size_data(named))
    content = {
        "lead": _lead(record, estimates),
        "figure": both_widths(*drawn) if num_members > 1 else None,
        "sizes": {
            "header": ["members", "committees", *(COMBINATION_LABELS[name] for name in curves)],
            "rows": [
                [
                    number(points[0]["size"], 0),
                    number(points[0]["num_subsets"], 0),
                    *(_with_spread(point, record) for point in points),
                ]
                for points in zip(*curves.values(), strict=True)
            ],
        },
        "members": _members(record),
        "cost": _cost(record["cost"]),
    }
    return Section("committee", "Several small models together", content)


def _estimate(point: dict[str, Any], num_texts: int) -> PlainEstimate:
    return {
        "value": point["accuracy"],
        "standard_error": point["binomial_error"],
        "num": num_texts,
    }


def _accuracy(member: MemberRecord | None) -> PlainEstimate | None:
    return None if member is None else member["accuracy"]


def _with_spread(point: dict[str, Any], record: CommitteeRecord) -> str:
    shown = estimate(_estimate(point, record["provenance"]["num_test"]))
    spread = point["subset_spread"]
    return shown if spread is None else f"{shown} ({number(spread)})"


def _lead(record: CommitteeRecord, estimates: dict[str, list[PlainEstimate]]) -> list[str]:
    combination, num = record["combination"], len(record["members"])
    texts = record["provenance"]
    alone = [member["accuracy"]["value"] for member in record["members"]]
    together = estimate(estimates[combination][-1])
    sentences = [
        f"{num} classifier{'' if num == 1 else 's'} of the same {number(texts['num_train'], 0)}"
        f" training texts, each right on {number(min(alone))} to {number(max(alone))} of"
        f" {number(texts['num_test'], 0)} test texts, answer together"
        f" ({COMBINATION_LABELS[combination]}): right on {together}; chance is"
        f" {number(record['chance'])}."
    ]
    if record["reference"] is not None:
        name = run_name(record["reference"]["checkpoint"])
        accuracy = estimate(record["reference"]["accuracy"])
        sentences.append(f"The reference, {name}, is right on {accuracy}.")
    return sentences


def _members(record: CommitteeRecord) -> list[list[str]]:
    named = [(f"member {index}", member) for index, member in enumerate(record["members"], 1)]
    if record["reference"] is not None:
        named.append(("reference", record["reference"]))
    return [
        [
            name,
            estimate(member["accuracy"]),
            number(member["num_trained_parameters"], 0) if member["finetuned_here"] else NOTHING,
            run_name(member["checkpoint"]),
        ]
        for name, member in named
    ]


def _cost(costs: dict[str, Any]) -> dict[str, Any]:
    """A row for each model; times in milliseconds, for each batch in sequence and in parallel."""
    measured = costs["committee"]
    rows = []
    for name, cost in costs.items():
        times = [
            _milliseconds(latency[key])
            for latency in cost["latencies"]
            for key in ("in_sequence_ms", "in_parallel_ms")
        ]
        rows.append(
            [name, number(cost["num_parameters"], 0), number(cost["flops"] / 1e6, 1), *times]
        )
    threads = measured["num_threads"]
    return {
        "batches": [latency["batch_size"] for latency in measured["latencies"]],
        "rows": rows,
        "note": (
            f"Texts of {measured['sequence_length']} tokens; time from token ids to logits on"
            f" {measured['device']} with {threads} thread{'' if threads == 1 else 's'}, median of"
            f" {measured['num_repeats']}. Operations: those of matrix products, attention and"
            " convolutions."
        ),
    }


def _milliseconds(value: float | None) -> str:
    return NOTHING if value is None else number(value, 1 if value >= 10 else 2)
