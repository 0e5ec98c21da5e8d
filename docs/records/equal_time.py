"""The table of ways of pre-training beside a plain training of as many seconds.

Runs are those of `ways.py`. ± is the standard error over seeds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from cells import Runs, cell, of_way, table
from ways import GENERATORS, task

LENGTHS = ("plain", "longer", "three times", "four times", "five times")
"""Ways that are the plain one, for more steps."""

PACED = LENGTHS[:2]
"""Those that were timed among the other ways, beside as much other work."""

FIGURES = {"mean APT": lambda run: run["apt"][-1], "task, mean over depths": task}

_STEPS = re.compile(r"--steps[ =](\d+)")


def equal_time(runs: Sequence[Mapping[str, Any]], order: Sequence[str]) -> str:
    """What each way has more than a plain training of as many seconds, by the same seed.

    Between lengths the plain one's figures are taken to be straight in the logarithm of the steps.
    A way that took longer than the longest is held against that one, and has a ≥ at its steps; one
    that took less time than the shortest has a ≤.
    """
    plain = [of_way(runs, way) for way in LENGTHS if way in order]
    pace = _pace([run for way in PACED for run in of_way(runs, way).values()])
    lengths = [steps(run) for own in plain for run in own.values()]
    rows = [("way", "plain steps in its time", *FIGURES)]
    for way in (each for each in order if each not in LENGTHS):
        own = of_way(runs, way)
        asked = pace * fmean(run["seconds"] for run in own.values() if run["seconds"])
        cells = ["–" if way in GENERATORS else _gain(own, plain, asked, "mean APT")]
        cells.append(_gain(own, plain, asked, "task, mean over depths"))
        mark = "≥ " if asked > max(lengths) else "≤ " if asked < min(lengths) else ""
        rows.append((way, f"{mark}{asked:,.0f}", *cells))
    return table(rows)


def steps(run: Mapping[str, Any]) -> int:
    """The steps of a run's training, the last ones that its command gives."""
    return int(_STEPS.findall(run["command"])[-1])


def _pace(runs: Sequence[Mapping[str, Any]]) -> float:
    """Steps a second, of the runs that were timed."""
    timed = [run for run in runs if run["seconds"]]
    return sum(map(steps, timed)) / sum(run["seconds"] for run in timed)


def _gain(own: Runs, plain: Sequence[Runs], asked: float, name: str) -> str:
    figure = FIGURES[name]
    held = {seed: {name: figure(run)} for seed, run in own.items()}
    base = {}
    for seed in own:
        known = sorted((steps(each[seed]), figure(each[seed])) for each in plain)
        lengths, values = zip(*known, strict=True)
        base[seed] = {name: float(np.interp(np.log(asked), np.log(lengths), values))}
    return cell(held, base, lambda run: run[name])
