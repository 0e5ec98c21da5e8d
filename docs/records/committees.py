"""Tables of committees of models of one block beside the deep one, on every task.

± is over the committees of one size, which share members: it is no error of a mean. Of one
committee, as of the deep model, it is the binomial error of the texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cells import table, with_error
from paper_records import TASKS, Record, needed, record

COMBINATION = "mean_softmax"
"""How the members' answers become one."""

KINDS = {"shallow": "one block", "convolutional": "one block, two convolutions"}
"""The kinds of members, and what they are called."""


def by_size() -> str:
    """Accuracy of committees by the number of their members, and of the deep model."""
    rows: list[tuple[str, ...]] = []
    for name, run in each():
        curve = run["curves"][COMBINATION]
        rows = rows or [("task, members", *(str(point["size"]) for point in curve), "BERT-6")]
        deep = run["reference"]["accuracy"]
        cells = (with_error(point["accuracy"], _spread(point)) for point in curve)
        rows.append((name, *cells, with_error(deep["value"], deep["standard_error"])))
    return table(rows)


def at_equal_cost() -> str:
    """Accuracy of the largest committee that costs no more than the deep model, less the latter's.

    Committees of more members than were trained are cut to those that were.
    """
    rows: list[tuple[str, ...]] = [
        ("task, members", "equal parameters", "equal operations", "equal latency")
    ]
    for name, run in each():
        member, deep = run["cost"]["member"], run["cost"]["reference"]
        ratios = (
            deep["num_parameters"] / member["num_parameters"],
            deep["flops"] / member["flops"],
            _latency(deep) / _latency(member),
        )
        rows.append((name, *(_affordable(run, ratio) for ratio in ratios)))
    return table(rows)


def each() -> Iterator[tuple[str, Record]]:
    """The records that are there, by task and kind of members, with what they are called.

    Raises ValueError if the first is not, with the command that makes it.
    """
    needed(f"{next(iter(KINDS))}-{next(iter(TASKS))}")
    for task, label in TASKS.items():
        for kind, called in KINDS.items():
            if (found := record(f"{kind}-{task}")) is not None:
                yield f"{label}, {called}", found


def _affordable(run: Record, ratio: float) -> str:
    curve = run["curves"][COMBINATION]
    size = min(max(int(ratio), 1), len(curve))
    more = curve[size - 1]["accuracy"] - run["reference"]["accuracy"]["value"]
    return f"{more:+.3f} ({size} of {ratio:.1f})"


def _latency(cost: dict[str, Any]) -> float:
    """Milliseconds of the largest batch that was timed, members one after the other."""
    return cost["latencies"][-1]["in_sequence_ms"]


def _spread(point: Record) -> float:
    spread = point["subset_spread"]
    return point["binomial_error"] if spread is None else spread


TABLES = {"committees": by_size, "committees at equal cost": at_equal_cost}
"""The tables by their names."""
