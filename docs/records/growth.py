"""Tables of a training: mean APT at every depth, and when tokens are learnt, step after step.

± is over the seeds of pre-training, and * marks a single one.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

from cells import cell, table
from paper_records import SIZES, Record, at_depth, by_seed, models, needed, num_depths, pieces

from hf_apt.stats.labels import default_depth_names


def at_steps() -> dict[int, dict[int, Record]]:
    """The records of the largest corpus's models by the steps that were measured, and by seed.

    Raises ValueError if the first model is not there, or its first step was not measured.
    """
    size = SIZES[-1]
    first = pieces.of_size(size, pieces.SEEDS[0])
    needed(first)
    needed(f"{first}-step-{pieces.KEPT[0]}")
    kept = {
        step: by_seed(lambda seed, step=step: f"{pieces.of_size(size, seed)}-step-{step}")
        for step in pieces.KEPT
    }
    return {step: runs for step, runs in {**kept, pieces.STEPS: models(size)}.items() if runs}


def mean_apt() -> str:
    """Mean APT of 1,000 positions at every depth."""
    return _by_step(lambda depth: at_depth(depth, "rarefied_mean_apt"))


def at_masks() -> str:
    """Mean APT at [MASK] alone at every depth, of tokens that all treatments asked."""
    return _by_step(lambda depth: at_depth(depth, "mean_apt_common", "masked"))


def ages() -> str:
    """How many tokens are learnt at every depth, and the steps by which quarters of them are.

    A step is one that was measured; of several seeds it is the mean.
    """
    needed(f"growth-seed-{pieces.SEEDS[0]}")
    found = by_seed(lambda seed: f"growth-seed-{seed}")
    names = default_depth_names(len(next(iter(found.values()))["ages"]))
    rows: list[tuple[str, ...]] = [
        ("after", "tokens learnt", "a quarter by step", "half by", "three quarters by")
    ]
    for depth, name in enumerate(names):
        numbers = [run["ages"][depth]["num"] for run in found.values()]
        quartiles = [run["ages"][depth]["quartiles"] for run in found.values()]
        steps = (_steps([each[which] for each in quartiles if each]) for which in range(3))
        rows.append((name, ", ".join(f"{number:,}" for number in numbers), *steps))
    return table(rows)


def _by_step(figure: Callable[[int], Callable[[Record], float]]) -> str:
    found = at_steps()
    depths = range(num_depths(found))
    rows = [("steps", *default_depth_names(len(depths)))]
    for step, runs in found.items():
        rows.append((f"{step:,}", *(cell(runs, None, figure(depth)) for depth in depths)))
    return table(rows)


def _steps(values: list[float]) -> str:
    return f"{fmean(values):,.0f}" if values else "–"


TABLES = {"growth": mean_apt, "growth at masks": at_masks, "ages": ages}
"""The tables by their names."""
