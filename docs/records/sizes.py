"""Tables of what a corpus of a given size gives: accuracy per token, clusters, tasks.

± is over the seeds of pre-training, and * marks a single one.
"""

from __future__ import annotations

from collections.abc import Callable

from cells import cell, table
from paper_records import (
    SIZES,
    TASKS,
    Record,
    all_models,
    at_depth,
    classifier,
    clusters_of,
    num_depths,
    tuned,
)

from hf_apt.stats.clusters import DEFINITIONS
from hf_apt.stats.labels import default_depth_names


def apt() -> str:
    """Mean APT of 1,000 positions at every depth, by the number of paragraphs trained on."""
    found = all_models()
    depths = range(num_depths(found))
    rows = [("paragraphs", "times read", *default_depth_names(len(depths)))]
    for size, runs in found.items():
        times = [_times(run) for run in runs.values()]
        cells = (cell(runs, None, at_depth(depth, "rarefied_mean_apt")) for depth in depths)
        rows.append((f"{size:,}", f"{sum(times) / len(times):.2g}", *cells))
    return table(rows)


def last_block() -> str:
    """After the last block: loss, accuracy, mean APT and APT(50), and the growth of tokens."""
    figures: dict[str, Callable[[Record], float]] = {
        "loss": at_depth(-1, "cross_entropy"),
        "accuracy at [MASK]": at_depth(-1, "masked_accuracy", "masked"),
        "mean APT": at_depth(-1, "mean_apt", "pooled"),
        "at [MASK]": at_depth(-1, "mean_apt", "masked"),
        "APT(50), asked 50 times": at_depth(-1, "apt50", "pooled", "support_50"),
        "growth, rarer half": lambda run: _growth(run, 0, 5),
        "commoner half": lambda run: _growth(run, 5, 10),
    }
    rows = [("paragraphs", *figures)]
    for size, runs in all_models().items():
        rows.append((f"{size:,}", *(cell(runs, None, figure) for figure in figures.values())))
    return table(rows)


def clusters() -> str:
    """Clusters after the last block by each definition, from 0.1 on, a number for each seed."""
    rows = [("paragraphs", *(f"`{name}`" for name in DEFINITIONS), "words in `mutual`")]
    for size, runs in all_models().items():
        numbers = (_numbers(runs, name, "num_clusters") for name in DEFINITIONS)
        words = _numbers(runs, "mutual", "num_tokens_in_clusters")
        rows.append((f"{size:,}", *numbers, words))
    return table(rows)


def tasks() -> str:
    """Accuracy of the fine-tuned classifier, without pre-training and by number of paragraphs."""
    rows = [("paragraphs", *TASKS.values())]
    for size in (0, *SIZES):
        model = "pretrained" if size else "untrained"
        found = (tuned(size or SIZES[0], task) for task in TASKS)
        cells = [_accuracy(runs, model) for runs in found]
        if any(cells):
            rows.append((f"{size:,}" if size else "none", *(each or "–" for each in cells)))
    return table(rows)


def _accuracy(runs: dict[int, Record], model: str) -> str | None:
    there = {seed: run for seed, run in runs.items() if model in run["models"]}
    if not there:
        return None
    return cell(there, None, lambda run: classifier(run, model))


def _growth(run: Record, first: int, end: int) -> float:
    """What tenths of the tokens, the rarest first, add to mean APT from the embeddings on."""
    return sum(sum(depth["growth_by_frequency"][first:end]) for depth in run["depths"][1:])


def _numbers(runs: dict[int, Record], definition: str, key: str) -> str:
    found = (clusters_of(run, definition) for run in runs.values())
    return ", ".join(str(each[key]) for each in found if each)


def _times(run: Record) -> float:
    return run["training"]["num_tokens_seen"] / run["corpus"]["num_train_tokens"]


TABLES = {"apt": apt, "last block": last_block, "clusters": clusters, "tasks": tasks}
"""The tables by their names."""
