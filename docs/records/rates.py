"""Tables of masking rates in pre-training, at equal tokens: accuracy per token, and tasks.

± is over the seeds of pre-training, and * marks a single one.
"""

from __future__ import annotations

from collections.abc import Callable

from cells import cell, table
from paper_records import SEEDS, SIZES, TASKS, Record, at_depth, by_seed, classifier, needed, pieces

RECIPE = 0.3
"""The rate of the narrow recipe, with which the sizes of the corpus were trained."""


def rates() -> str:
    """After the last block: loss, accuracy and mean APT, then each task, by the rate of masks."""
    figures: dict[str, Callable[[Record], float]] = {
        "loss": at_depth(-1, "cross_entropy"),
        "accuracy at [MASK]": at_depth(-1, "masked_accuracy", "masked"),
        "mean APT of 1,000 positions": at_depth(-1, "rarefied_mean_apt"),
    }
    needed(_name(RECIPE, SEEDS[0]))
    needed(_name(pieces.RATES[0], SEEDS[0]))
    rows = [("rate", *figures, *TASKS.values())]
    for rate in sorted({*pieces.RATES, RECIPE}):
        runs = by_seed(lambda seed, rate=rate: _name(rate, seed))
        if runs:
            cells = (cell(runs, None, figure) for figure in figures.values())
            rows.append((f"{rate:.0%}", *cells, *(_task(rate, task) for task in TASKS)))
    return table(rows)


def _name(rate: float, seed: int) -> str:
    return pieces.of_size(SIZES[-1], seed) if rate == RECIPE else f"masked-{rate}-seed-{seed}"


def _task(rate: float, task: str) -> str:
    runs = by_seed(lambda seed: f"{_name(rate, seed)}-{task}")
    if not runs:
        return "–"
    return cell(runs, None, classifier)


TABLES = {"masking rates": rates}
"""The tables by their names."""
