"""The table of masking laws beside uniform masks: where each ends, and how soon it gets there.

Runs are those of `arms.json`, which `examples/masking_laws.py` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from cells import cell, of_way, table

from hf_apt.stats.acquisition.steps_to_reach import steps_to_reach

FIGURES = {
    "mean APT": "mean_apt",
    "accuracy": "accuracy",
    "mean APT, other prior": "mean_apt_with_other_prior",
    "accuracy, other prior": "accuracy_with_other_prior",
}


def ends(runs: Sequence[Mapping[str, Any]], order: Sequence[str]) -> str:
    """What each law ends with, and the share of uniform's tokens until its last mean APT."""
    plain = of_way(runs, order[0])
    rows = [("masks", *FIGURES, "tokens until the last mean APT of uniform")]
    for way in order:
        own, base = of_way(runs, way), None if way == order[0] else plain
        cells = [cell(own, base, _figure(key)) for key in FIGURES.values()]
        shares = {seed: {"share": _share(run, plain[seed])} for seed, run in own.items()}
        rows.append((way, *cells, cell(shares, None, _figure("share"))))
    return table(rows)


def _figure(key: str) -> Callable[[Any], float]:
    return lambda run: run[key]


def _share(run: Mapping[str, Any], uniform: Mapping[str, Any]) -> float:
    curve, steps = np.array(run["curve"]), np.array(run["steps"])
    return steps_to_reach(curve, steps, uniform["curve"][-1]) / uniform["steps"][-1]
