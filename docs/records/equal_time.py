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

FIGURES = {"mean APT": lambda run: run["apt"][-1], "task, mean over depths": task}

_STEPS = re.compile(r"--steps[ =](\d+)")


def equal_time(runs: Sequence[Mapping[str, Any]], order: Sequence[str]) -> str:
    """What each way has more than a plain training of as many seconds, by the same seed.

    Seconds are held against those of the plain runs of the same occasion, which are timed beside as
    much other work: a run says of which occasion it is, unless of the first one. Between lengths
    the plain one's figures are taken to be straight in the logarithm of the steps.
    A way that took longer than the longest is held against that one, and has a ≥ at its steps; one
    that took less time than the shortest has a ≤.

    Raises:
        ValueError: if a way was not timed, or the plain one not on an occasion on which it was.
    """
    plain = [of_way(runs, way) for way in LENGTHS if way in order]
    paces = _paces([run for own in plain for run in own.values()])
    lengths = [steps(run) for own in plain for run in own.values()]
    rows = [("way", "plain steps in its time", *FIGURES)]
    for way in (each for each in order if each not in LENGTHS):
        own = of_way(runs, way)
        timed = [run for run in own.values() if run["seconds"]]
        if not timed:
            raise ValueError(f"no run of {way!r} was timed.")
        for each in {occasion(run) for run in timed} - paces.keys():
            raise ValueError(f"no plain run was timed on occasion {each}, as {way!r} was.")
        asked = fmean(paces[occasion(run)] * run["seconds"] for run in timed)
        cells = ["–" if way in GENERATORS else _gain(own, plain, asked, "mean APT")]
        cells.append(_gain(own, plain, asked, "task, mean over depths"))
        mark = "≥ " if asked > max(lengths) else "≤ " if asked < min(lengths) else ""
        rows.append((way, f"{mark}{asked:,.0f}", *cells))
    return table(rows)


def steps(run: Mapping[str, Any]) -> int:
    """The steps of a run's training, the last ones that its command gives."""
    return int(_STEPS.findall(run["command"])[-1])


def occasion(run: Mapping[str, Any]) -> int:
    """The occasion on which a run was timed."""
    return run.get("occasion", 1)


def _paces(plain: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    """Steps a second of the plain runs that were timed, by occasion."""
    timed: dict[int, list[Mapping[str, Any]]] = {}
    for run in plain:
        if run["seconds"]:
            timed.setdefault(occasion(run), []).append(run)
    return {
        each: sum(map(steps, own)) / sum(run["seconds"] for run in own)
        for each, own in timed.items()
    }


def _gain(own: Runs, plain: Sequence[Runs], asked: float, name: str) -> str:
    figure = FIGURES[name]
    held = {seed: {name: figure(run)} for seed, run in own.items()}
    base = {}
    for seed in own:
        known = sorted((steps(each[seed]), figure(each[seed])) for each in plain)
        lengths, values = zip(*known, strict=True)
        base[seed] = {name: float(np.interp(np.log(asked), np.log(lengths), values))}
    return cell(held, base, lambda run: run[name])
