"""Draws the figures of the papers' claims from the records.

    python docs/records/figures.py

They are written into `docs/figures`, NAME.svg.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import committees
import growth
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from paper_records import (
    SIZES,
    TASKS,
    Record,
    all_models,
    at_depth,
    classifier,
    models,
    num_depths,
    pieces,
    record,
    tuned,
)

from hf_apt.atomic import writing
from hf_apt.stats.estimates import mean_estimate
from hf_apt.stats.labels import default_depth_names
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
"""The colours of the tasks, of Okabe and Ito's palette, which colour-blind readers tell apart."""

MARKERS = ("o", "s", "^", "D")
"""The markers of the models in the scatter plot, one for each size of the corpus."""

RAREST = 200
"""The fewest occurrences of a token that is shown: of rarer ones next to nothing is learnt."""


def corpus_size() -> Figure:
    """Mean APT and the tasks' accuracy against the number of paragraphs trained on."""
    figure, (apt, gain) = _panels(2, (10, 3.8))
    found = all_models()
    for depth, name, colour in _depths(found):
        _line(apt, found, at_depth(depth, "rarefied_mean_apt"), name, colour)
    apt.set_title("mean APT of 1,000 positions")
    apt.set_ylim(bottom=0)
    for (task, label), colour in zip(TASKS.items(), COLOURS, strict=True):
        first = record(f"{pieces.of_size(SIZES[0], pieces.SEEDS[0])}-{task}")
        if first is None:
            continue  # what is gained is not known without the model that was not trained
        without = classifier(first, "untrained")
        runs = {size: runs for size in SIZES if (runs := tuned(size, task))}
        _line(gain, runs, lambda run, less=without: classifier(run) - less, label, colour)
    gain.set_title("accuracy gained by pre-training")
    gain.axhline(0, color="#888888", linewidth=0.8)
    for axes in (apt, gain):
        axes.set_xscale("log")
        axes.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("paragraphs trained on, 9.2 million tokens seen each")
        axes.legend(fontsize=8.5, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def over_training() -> Figure:
    """Mean APT against steps: at every depth, and after the last block by frequency."""
    figure, (by_depth, by_frequency) = _panels(2, (10, 4))
    found = growth.at_steps()
    found = {step: {pieces.WHOLE: run} for step, run in found.items()}
    for depth, name, colour in _depths(found):
        _line(by_depth, found, at_depth(depth, "rarefied_mean_apt"), name, colour)
    by_depth.set_title("mean APT of 1,000 positions, by depth")
    lows = sorted({each["low"] for each in _bins(found[pieces.WHOLE_STEPS][pieces.WHOLE])})
    shown = [low for low in lows if low >= RAREST]
    shades = [matplotlib.colormaps["viridis"](place) for place in np.linspace(0.9, 0, len(shown))]
    for low, colour in zip(shown, shades, strict=True):
        _line(by_frequency, found, lambda run, low=low: _apt_of(run, low), f"{low:,.0f}", colour)
    by_frequency.set_title("mean APT after the last block, by frequency")
    for axes, title in ((by_depth, None), (by_frequency, "occurrences\nin the text,\nfrom")):
        axes.set_xscale("log")
        axes.set_xticks(list(found), [f"{step:,}" for step in found])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("steps of 1,024 tokens")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8.5, title=title, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def apt_and_transfer() -> Figure:
    """Every block of every model: mean APT against the accuracy of a task, read there."""
    figure, panels = _panels(len(TASKS), (10, 3.6))
    colours = depth_palette(num_depths(all_models()))
    for axes, (task, label) in zip(panels, TASKS.items(), strict=True):
        for size, marker in zip(SIZES, MARKERS, strict=True):
            for seed, run in tuned(size, task).items():
                accuracies = run["models"]["pretrained"]["finetuned mean"]
                model = models(size)[seed]
                x = [at_depth(depth, "rarefied_mean_apt")(model) for depth in range(len(colours))]
                y = [each["value"] for each in accuracies]
                axes.plot(x, y, color="#bbbbbb", linewidth=0.8, zorder=1)
                axes.scatter(x, y, c=colours, s=24, marker=marker, zorder=2)
        axes.set_title(label)
        axes.set_xlabel("mean APT of 1,000 positions")
    panels[0].set_ylabel("fine-tuned accuracy, mean over tokens")
    ends = {"embeddings": colours[0], "last block": colours[-1]}
    handles = [Line2D([], [], color=colour, marker="s", ls="") for colour in ends.values()]
    handles += [Line2D([], [], color="#888888", marker=marker, ls="") for marker in MARKERS]
    names = [*ends, *(f"{size:,} paragraphs" for size in SIZES)]
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), fontsize=8.5)
    return figure


def several_together() -> Figure:
    """Accuracy of committees against the number of their members, beside the deep model's."""
    figure, panels = _panels(len(TASKS), (10, 3.6))
    by_name = dict(committees.each())
    for axes, label in zip(panels, TASKS.values(), strict=True):
        for called, colour in zip(committees.KINDS.values(), COLOURS, strict=False):
            if (run := by_name.get(f"{label}, {called}")) is None:
                continue
            curve = run["curves"][committees.COMBINATION]
            sizes = [point["size"] for point in curve]
            values = [point["accuracy"] for point in curve]
            errors = [point["binomial_error"] for point in curve]
            axes.errorbar(
                sizes, values, errors, label=called, color=colour, marker="o", markersize=4
            )
            deep = run["reference"]["accuracy"]
            low, high = (deep["value"] + sign * deep["standard_error"] for sign in (-1, 1))
            axes.axhspan(low, high, color="#bbbbbb", alpha=0.5, linewidth=0)
            axes.axhline(deep["value"], color="#555555", linewidth=1, label="BERT-6")
        axes.set_title(label)
        axes.set_xlabel("members")
    panels[0].set_ylabel("accuracy")
    named = {
        text: handle
        for axes in panels
        for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(named.values(), named, loc="outside lower center", ncols=len(named), fontsize=8.5)
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "corpus_size": corpus_size,
    "over_training": over_training,
    "apt_and_transfer": apt_and_transfer,
    "committees": several_together,
}
"""The figures by their names."""


def main() -> None:
    """Write the figures whose records are there, and say what the others lack."""
    with matplotlib.rc_context(STYLE):
        for name, draw in FIGURES.items():
            try:
                figure = draw()
            except ValueError as error:
                sys.stdout.write(f"left {name}.svg: {error}\n")
                continue
            with writing(FOLDER / f"{name}.svg") as file:
                figure.savefig(file, format="svg", metadata={"Date": None})
            sys.stdout.write(f"drew {name}.svg\n")


def _panels(num: int, size: tuple[float, float]) -> tuple[Figure, Sequence[Any]]:
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    return figure, figure.subplots(1, num)


def _line(
    axes: Axes,
    found: Mapping[int, Mapping[int, Record]],
    figure: Callable[[Record], float],
    label: str,
    colour: Any,
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


def _depths(found: Mapping[int, Mapping[int, Record]]) -> Iterator[tuple[int, str, str]]:
    num = num_depths(found)
    return zip(range(num), default_depth_names(num), depth_palette(num), strict=True)


def _bins(run: Record) -> list[Any]:
    return run["depths"][-1]["apt_by_frequency"]


def _apt_of(run: Record, low: float) -> float:
    """Mean APT of the tokens that occur so many times at least; NaN if there are none."""
    found = [each for each in _bins(run) if each["low"] == low]
    return found[0]["mean_apt"]["value"] if found else np.nan


if __name__ == "__main__":
    main()
