"""What `hf-apt committee` prints: members, accuracy by size, cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_apt.cli.tables.style import bare_table, estimate_cell
from hf_apt.records.task_record import CommitteeRecord
from hf_apt.stats.labels import COMBINATION_LABELS
from hf_apt.stats.transfer.enough_depth import first_enough

if TYPE_CHECKING:
    from rich.table import Table


def tables(result: CommitteeRecord) -> list[Table]:
    """Three tables of what `measure_committee` found."""
    return [_members(result), _curve(result), _cost(result)]


def footer(result: CommitteeRecord) -> str:
    """What the tables leave unsaid."""
    texts, timed = result["provenance"], result["cost"]["committee"]
    lines = [
        f"{texts['num_train']:,} training and {texts['num_test']:,} test texts of "
        f"{texts['num_labels']} classes; chance {result['chance']:.3f}",
        "±: binomial standard error of the test texts; (): standard deviation between",
        "committees of that size, which share members; nats: cross-entropy",
    ]
    if "best_accuracy" in texts:
        lines.append(f"the exact best classifier of these texts: {texts['best_accuracy']:.3f}")
    enough = ", ".join(
        f"{_enough(points)} by {COMBINATION_LABELS[key]}"
        for key, points in result["curves"].items()
    )
    lines.append(f"enough, the first size within one standard error of the best: {enough}")
    lines.append(
        f"cost of texts of {timed['sequence_length']} tokens on {timed['device']}, threads: "
        f"{timed['num_threads']}, median of {timed['num_repeats']}"
    )
    return "\n".join(lines)


def _enough(points: Sequence[dict[str, Any]]) -> int:
    """The smallest committee within one binomial error of the best size's accuracy."""
    best = max(points, key=lambda point: point["accuracy"])
    accuracies = [point["accuracy"] for point in points]
    return points[first_enough(np.array(accuracies), best["binomial_error"])]["size"]


def _members(result: CommitteeRecord) -> Table:
    table = bare_table(f"Members on {result['task']}", "classifier", "trained", "accuracy")
    named = [(f"member {index}", member) for index, member in enumerate(result["members"], 1)]
    if result["reference"]:
        named.append(("reference", result["reference"]))
    for name, member in named:
        trained = (
            f"{member['num_trained_parameters']:,}" if member["finetuned_here"] else "as it is"
        )
        table.add_row(
            f"{name}: {_short(member['checkpoint'])}",
            trained,
            estimate_cell(member["accuracy"]),
        )
    return table


def _curve(result: CommitteeRecord) -> Table:
    columns = [name for key in result["curves"] for name in (COMBINATION_LABELS[key], "nats")]
    table = bare_table(f"Accuracy on {result['task']} by size of the committee", "size", *columns)
    for points in zip(*result["curves"].values(), strict=True):
        cells = [cell for point in points for cell in (_accuracy(point), _nats(point))]
        table.add_row(str(points[0]["size"]), *cells)
    return table


def _cost(result: CommitteeRecord) -> Table:
    sizes = [each["batch_size"] for each in result["cost"]["committee"]["latencies"]]
    columns = [f"ms, batch {size}" for size in sizes]
    table = bare_table("Cost of an answer", "", "parameters", "MFLOP a text", *columns)
    for name, cost in result["cost"].items():
        counts = f"{cost['num_parameters']:,}", f"{cost['flops'] / 1e6:,.1f}"
        in_turn = [f"{each['in_sequence_ms']:.2f}" for each in cost["latencies"]]
        table.add_row(name, *counts, *in_turn)
        beside = [each["in_parallel_ms"] for each in cost["latencies"]]
        if None not in beside:
            table.add_row("  side by side", "", "", *(f"{each:.2f}" for each in beside))
    return table


def _accuracy(point: dict[str, Any]) -> str:
    spread = point["subset_spread"]
    if spread is None:
        return f"{point['accuracy']:.3f} ± {point['binomial_error']:.3f}"
    return f"{point['accuracy']:.3f} ({spread:.3f})"


def _nats(point: dict[str, Any]) -> str:
    return f"{point['cross_entropy']:.3f}"


def _short(checkpoint: str) -> str:
    """The end of a long path: its last folders."""
    return checkpoint if len(checkpoint) <= 32 else f"…{checkpoint[-31:]}"
