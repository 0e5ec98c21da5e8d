"""Tables of a training: mean APT at every depth, and when tokens are learnt, step after step.

± is over the seeds of pre-training, and * marks a single one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cells import cell, table
from paper_records import SIZES, STEPS, Record, by_seed, depth_names, models

FINAL = 9_000


def at_steps() -> dict[int, dict[int, Record]]:
    """The records of the largest corpus's models by the steps that were measured, and by seed."""
    kept = {
        step: by_seed(lambda seed, step=step: f"size-{SIZES[-1]}-seed-{seed}-step-{step}")
        for step in STEPS
    }
    return {step: runs for step, runs in {**kept, FINAL: models(SIZES[-1])}.items() if runs}


def mean_apt() -> str:
    """Mean APT of 1,000 positions at every depth."""
    return _by_step(lambda run, depth: run["depths"][depth]["rarefied_mean_apt"]["value"])


def at_masks() -> str:
    """Mean APT at [MASK] alone at every depth, of tokens that all treatments asked."""
    return _by_step(lambda run, depth: run["depths"][depth]["mean_apt_common"]["masked"]["value"])


def ages() -> str:
    """How many tokens are learnt at every depth, and the steps by which quarters of them are."""
    found = by_seed(lambda seed: f"growth-seed-{seed}")
    depths = depth_names(len(next(iter(found.values()))["ages"]))
    rows: list[tuple[str, ...]] = [
        ("after", "tokens learnt", "a quarter by step", "half by", "three quarters by")
    ]
    for depth, name in enumerate(depths):
        numbers = [run["ages"][depth]["num"] for run in found.values()]
        quartiles = [run["ages"][depth]["quartiles"] for run in found.values()]
        steps = (_steps([each[which] for each in quartiles if each]) for which in range(3))
        rows.append((name, ", ".join(f"{number:,}" for number in numbers), *steps))
    return table(rows)


def _by_step(figure: Callable[[Record, int], float]) -> str:
    found = at_steps()
    num_depths = len(next(iter(found[FINAL].values()))["depths"])
    rows = [("steps", *depth_names(num_depths))]
    for step, runs in found.items():
        cells = (
            cell(runs, None, lambda run, depth=depth: figure(run, depth))
            for depth in range(num_depths)
        )
        rows.append((f"{step:,}", *cells))
    return table(rows)


def _steps(values: list[float]) -> str:
    return f"{np.mean(values):,.0f}" if values else "–"


TABLES = {"growth": mean_apt, "growth at masks": at_masks, "ages": ages}
"""The tables by their names."""
