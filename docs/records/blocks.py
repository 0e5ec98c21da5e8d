"""Tables of a task along the blocks: where accuracy is largest, whether the middle beats the end.

All models of the corpus sizes are taken together: ± is over them, the sizes' own differences
included.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from cells import cell, table
from paper_records import SEEDS, SIZES, TASKS, Record, needed, pieces, tuned

from hf_apt.stats.estimates import mean_estimate
from hf_apt.stats.labels import default_depth_names

READ = {
    "frozen cls": "frozen, [CLS]",
    "frozen mean": "frozen, mean",
    "finetuned cls": "fine-tuned, [CLS]",
    "finetuned mean": "fine-tuned, mean",
}
"""What is read, by its name in records, and what it is called."""


def along_blocks() -> str:
    """Accuracy at every depth, by task, protocol and pooling."""
    rows: list[tuple[str, ...]] = []
    for name, key, runs in _each():
        depths = range(len(_accuracies(runs[0], key)))
        cells = (
            cell(runs, None, lambda run, key=key, depth=depth: _accuracies(run, key)[depth])
            for depth in depths
        )
        rows = rows or [("task, protocol, pooling", *default_depth_names(len(depths)))]
        rows.append((name, *cells))
    return table(rows)


def middle() -> str:
    """How much an earlier depth has over the last, and how often beyond its interval."""
    heads = ("best in the mean", "an earlier depth less the last", "earlier beats", "last beats")
    rows: list[tuple[str, ...]] = [("task, protocol, pooling", *heads, "models")]
    for name, key, runs in _each():
        means = np.mean([_accuracies(run, key) for run in runs.values()], axis=0)
        found = [run["enough"][key] for run in runs.values()]
        estimate = mean_estimate(np.array([each["earlier_minus_last"]["value"] for each in found]))
        told = [_told(each) for each in found]
        rows.append(
            (
                name,
                default_depth_names(len(means))[int(means.argmax())],
                f"{estimate.value:+.3f} ± {estimate.standard_error:.3f}",
                str(told.count(1)),
                str(told.count(-1)),
                str(len(told)),
            )
        )
    return table(rows)


def _each() -> Iterator[tuple[str, str, dict[int, Record]]]:
    for task, label in TASKS.items():
        needed(f"{pieces.of_size(SIZES[0], SEEDS[0])}-{task}")
        found = dict(enumerate(run for size in SIZES for run in tuned(size, task).values()))
        for key, read in READ.items():
            yield f"{label}, {read}", key, found


def _accuracies(run: Record, key: str) -> list[float]:
    return [each["value"] for each in run["models"]["pretrained"][key]]


def _told(difference: Record) -> int:
    """1 or -1 where the interval of 95 % leaves 0 out on that side, and 0 where it does not."""
    return int(difference["low"] > 0) - int(difference["high"] < 0)


TABLES = {"blocks": along_blocks, "middle": middle}
"""The tables by their names."""
