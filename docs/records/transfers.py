"""Tables of what blocks are worth that were trained on artificial text, then on a text and a task.

Runs are those of `transfer.json`, which `examples/artificial_transfer.py` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cells import by_depth, cell, of_way, table

Run = Mapping[str, Any]
WHOLE: dict[str, Callable[[Run], float]] = {
    "task at once": lambda run: run["direct"]["finetuned"],
    "loss on the text": lambda run: run["loss"],
    "mean APT, block 6": lambda run: run["mean_apt"][-1],
    "task after the text": lambda run: run["after"]["finetuned"],
}
PER_DEPTH: dict[str, Callable[[Run], Sequence[float]]] = {
    "apt": lambda run: run["mean_apt"],
    "direct": lambda run: run["direct"]["frozen"],
    "after": lambda run: run["after"]["frozen"],
}


def whole(runs: Sequence[Run], order: Sequence[str]) -> str:
    """The task by the whole model, at once and after the text, and the text itself."""
    rows = [("blocks from", *WHOLE)]
    for way in order:
        own, base = of_way(runs, way), None if way == order[0] else of_way(runs, order[0])
        rows.append((way, *(cell(own, base, figure) for figure in WHOLE.values())))
    return table(rows)


def per_depth(runs: Sequence[Run], order: Sequence[str], figure: str) -> str:
    """A figure at every depth: `apt`, or the task by frozen states, `direct` or `after`."""
    return by_depth(runs, order, PER_DEPTH[figure], "blocks from")
