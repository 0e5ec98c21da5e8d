"""Tables of ways of pre-training: the first one's figures, and what the others have more.

Differences are of the same seed; ± is the standard error over seeds, and * marks a single one. Rows
are those of `arms.json`, which `examples/compare_pretraining.py` writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cells import by_depth, cell, of_way, table

GENERATORS = ("replaced", "replaced, shared", "replaced, none", "selection", "choice")
"""Ways that train two models: their generators are measured, their discriminators fine-tuned."""


def task(run: Mapping[str, Any]) -> float:
    """The task's accuracy, mean over depths."""
    return sum(run["accuracy"]) / len(run["accuracy"])


def last_block(runs: Sequence[Mapping[str, Any]], order: Sequence[str]) -> str:
    """Mean APT, clusters and loss after the last block, the task over depths, and seconds."""
    plain = of_way(runs, order[0])
    rows = [("way", "mean APT", "clusters", "held-out loss", "task, mean over depths", "s")]
    for way in order:
        own = of_way(runs, way)
        base = None if way == order[0] else plain
        masked = None if way in GENERATORS else base
        name = f"{way} (its generator)" if way in GENERATORS else way
        clusters = ", ".join(str(own[seed]["clusters"][-1]) for seed in own)
        loss = cell(own, masked, lambda run: run["validation_loss"])
        seconds = [run["seconds"] for run in own.values() if run["seconds"]]
        rows.append(
            (
                name,
                cell(own, masked, lambda run: run["apt"][-1]),
                clusters,
                loss,
                cell(own, base, task),
                f"{sum(seconds) / len(seconds):.0f}" if seconds else "–",
            )
        )
    return table(rows)


def per_depth(runs: Sequence[Mapping[str, Any]], order: Sequence[str], figure: str) -> str:
    """One figure after each block; of a generator, half as wide, no APT."""
    shown = [way for way in order if figure != "apt" or way not in GENERATORS]
    return by_depth(runs, shown, lambda run: run[figure], "way")
