"""Cells of tables: what a way has, or has more than the plain one of the same seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hf_apt.stats.estimates import mean_estimate
from hf_apt.stats.labels import default_depth_names

Runs = Mapping[int, Mapping[str, Any]]
"""Runs of one way by their seed."""


def of_way(runs: Sequence[Mapping[str, Any]], way: str) -> Runs:
    """The runs of that way.

    Raises:
        ValueError: if there are none.
    """
    own = {run["seed"]: run for run in runs if run["arm"] == way}
    if not own:
        raise ValueError(f"the record has no way {way!r}.")
    return dict(sorted(own.items()))


def cell(own: Runs, base: Runs | None, figure: Callable[[Any], float]) -> str:
    """The mean of a figure, or of its differences from `base`, with its standard error.

    Raises:
        ValueError: if `base` lacks one of the seeds.
    """
    if base is not None and (absent := own.keys() - base.keys()):
        raise ValueError(f"the plain way has no run of seed {', '.join(map(str, sorted(absent)))}.")
    less = {seed: 0.0 if base is None else figure(base[seed]) for seed in own}
    values = [figure(run) - less[seed] for seed, run in own.items()]
    estimate = mean_estimate(np.array(values))
    sign = "" if base is None else "+"
    error = f" ± {estimate.standard_error:.3f}" if len(values) > 1 else " *"
    return f"{estimate.value:{sign}.3f}{error}"


def with_error(value: float, error: float) -> str:
    """A figure with its standard error."""
    return f"{value:.3f} ± {error:.3f}"


def by_depth(
    runs: Sequence[Mapping[str, Any]],
    order: Sequence[str],
    read: Callable[[Mapping[str, Any]], Sequence[float]],
    head: str,
) -> str:
    """A figure at every depth, of the first way and what the others have more."""
    plain = of_way(runs, order[0])
    depths = range(len(read(next(iter(plain.values())))))
    rows = [(head, *default_depth_names(len(depths)))]
    for way in order:
        own, base = of_way(runs, way), None if way == order[0] else plain
        cells = (cell(own, base, lambda run, depth=depth: read(run)[depth]) for depth in depths)
        rows.append((way, *cells))
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows in Markdown, the first one being the heads."""
    head, *others = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, f"| --- |{' ---: |' * (len(rows[0]) - 1)}", *others])
