"""What a run prints of its fine-tunings: a line for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.cli.tables.style import estimate_cell
from hf_apt.records.task_record import TaskRecord

if TYPE_CHECKING:
    from rich.table import Table


def tables(tasks: dict[str, TaskRecord]) -> list[Table]:
    """No tables: `hf-apt finetune` prints them."""
    return []


def footer(tasks: dict[str, TaskRecord]) -> str:
    """The accuracies of the fine-tuned classifiers by task."""
    return "\n".join(map(_in_a_line, tasks.values()))


def _in_a_line(result: TaskRecord) -> str:
    names = {"pretrained": "", "untrained": "without pre-training "}
    accuracies = {name: model.get("classifier") for name, model in result["models"].items()}
    parts = [
        f"{before}{estimate_cell(accuracies[name])}"
        for name, before in names.items()
        if accuracies.get(name) is not None
    ]
    best = result["provenance"][0].get("best_accuracy")
    parts += [f"at best {best:.3f}"] if best is not None else []
    parts.append(f"chance {result['chance']:.3f}")
    return f"fine-tuned on {result['task']}: {', '.join(parts)}"
