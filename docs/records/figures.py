"""Draws the figures of the papers' claims from the records.

    python docs/records/figures.py

They are written into `docs/figures`, NAME.svg.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import growth
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from paper_records import SIZES, TASKS, Record, depth_names, models, tuned

from hf_apt.atomic import writing
from hf_apt.stats.estimates import mean_estimate
from hf_apt.stats.pictures.depth_palette import depth_palette

FOLDER = Path(__file__).parents[1] / "figures"
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "hf_apt",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlesize": 10,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "legend.frameon": False,
}
COLOURS = ("#0072b2", "#d55e00", "#009e73")
"""Of tasks: Okabe and Ito's, which colour-blind readers tell apart."""


def corpus_size() -> Figure:
    """Mean APT and the tasks' accuracy against the number of paragraphs trained on."""
    figure, (apt, gain) = _panels(2, (9, 3.8))
    found = {size: runs for size in SIZES if (runs := models(size))}
    num_depths = len(next(iter(found[SIZES[0]].values()))["depths"])
    for depth, (name, colour) in enumerate(
        zip(depth_names(num_depths), depth_palette(num_depths), strict=True)
    ):
        _line(apt, found, lambda run, depth=depth: _rarefied(run, depth), name, colour)
    apt.set_title("mean APT of 1,000 positions")
    for (task, label), colour in zip(TASKS.items(), COLOURS, strict=True):
        without = next(iter(tuned(SIZES[0], task).values()))["models"]["untrained"]["classifier"]
        runs = {size: runs for size in SIZES if (runs := tuned(size, task))}
        _line(gain, runs, lambda run, less=without: _classifier(run) - less["value"], label, colour)
    gain.set_title("accuracy gained by pre-training")
    for axes in (apt, gain):
        axes.set_xscale("log")
        axes.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("paragraphs trained on, 9.2 million tokens seen each")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8.5)
    return figure


def over_training() -> Figure:
    """Mean APT against steps: at every depth, and after the last block by frequency."""
    figure, (by_depth, by_frequency) = _panels(2, (9, 3.8))
    found = growth.at_steps()
    num_depths = len(next(iter(found[growth.FINAL].values()))["depths"])
    for depth, (name, colour) in enumerate(
        zip(depth_names(num_depths), depth_palette(num_depths), strict=True)
    ):
        _line(by_depth, found, lambda run, depth=depth: _rarefied(run, depth), name, colour)
    by_depth.set_title("mean APT of 1,000 positions, by depth")
    lows = [each["low"] for each in _frequencies(next(iter(found[growth.FINAL].values())))]
    shown = [low for low in lows if low >= 200]
    for low, colour in zip(shown, depth_palette(len(shown)), strict=True):
        _line(by_frequency, found, lambda run, low=low: _apt_of(run, low), f"{low:,.0f}", colour)
    by_frequency.set_title("after the last block, by occurrences in the text, from")
    for axes in (by_depth, by_frequency):
        axes.set_xscale("log")
        axes.set_xlabel("steps of 1,024 tokens")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8.5)
    return figure


def apt_and_transfer() -> Figure:
    """Every block of every model: mean APT against the accuracy of a task, read there."""
    figure, panels = _panels(len(TASKS), (9, 3.4))
    for axes, (task, label) in zip(panels, TASKS.items(), strict=True):
        for size in SIZES:
            for seed, run in tuned(size, task).items():
                accuracies = run["models"]["pretrained"]["finetuned mean"]
                model = models(size)[seed]
                colours = depth_palette(len(accuracies))
                x = [_rarefied(model, depth) for depth in range(len(accuracies))]
                y = [each["value"] for each in accuracies]
                axes.plot(x, y, color="#bbbbbb", linewidth=0.8, zorder=1)
                axes.scatter(x, y, c=colours, s=18, zorder=2)
        axes.set_title(label)
        axes.set_xlabel("mean APT of 1,000 positions")
    panels[0].set_ylabel("fine-tuned accuracy, mean over tokens")
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "corpus_size": corpus_size,
    "over_training": over_training,
    "apt_and_transfer": apt_and_transfer,
}
"""The figures by their names."""


def main() -> None:
    """Write all figures."""
    with matplotlib.rc_context(STYLE):
        for name, draw in FIGURES.items():
            with writing(FOLDER / f"{name}.svg") as file:
                draw().savefig(file, format="svg", metadata={"Date": None})
            sys.stdout.write(f"drew {name}.svg\n")


def _panels(num: int, size: tuple[float, float]) -> tuple[Figure, Sequence[Any]]:
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    return figure, figure.subplots(1, num)


def _line(
    axes: Axes,
    found: Mapping[int, Mapping[int, Record]],
    figure: Callable[[Record], float],
    label: str,
    colour: str,
) -> None:
    """The means over seeds against what they are found by, with standard errors."""
    estimates = [
        mean_estimate(np.array([figure(run) for run in runs.values()])) for runs in found.values()
    ]
    values = [each.value for each in estimates]
    errors = np.nan_to_num([each.standard_error for each in estimates])
    axes.errorbar(
        list(found), values, errors, label=label, color=colour, marker="o", markersize=4, capsize=2
    )


def _rarefied(run: Record, depth: int) -> float:
    return run["depths"][depth]["rarefied_mean_apt"]["value"]


def _classifier(run: Record) -> float:
    return run["models"]["pretrained"]["classifier"]["value"]


def _frequencies(run: Record) -> list[Any]:
    return run["depths"][-1]["apt_by_frequency"]


def _apt_of(run: Record, low: float) -> float:
    found = [each for each in _frequencies(run) if each["low"] == low]
    return found[0]["mean_apt"]["value"] if found else np.nan


if __name__ == "__main__":
    main()
