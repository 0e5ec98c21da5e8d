"""Tables of planted texts in a plane, drawn together by links: ways, and shares of exchanged links.

The record is that of `examples/linked_texts.py`: figures by "arm weight steps [share] seed". ± is
over draws of the texts.
"""

from __future__ import annotations

from collections.abc import Mapping

from cells import Runs, cell, table

WAYS = {
    "plain": "plain",
    "longer": "plain, 2.5 times as many steps (`longer`)",
    "joined": "linked texts in one context (`joined`)",
    "graph": "**the graph**",
    "contrastive": "the graph, by the contrastive loss",
    "rewired": "a random graph of the same degrees (`rewired`)",
    "dropout": "pairs of dropout",
}
SHARES = ("", "0.25 ", "0.5 ", "0.75 ")
FIGURES = {"seen": "seen", "new": "fresh", "links ranked": "link_auc"}
SETTINGS = "1 2000"
SEEDS = (0, 1)


def ways(record: Mapping[str, Mapping[str, float]]) -> str:
    """What each way gives, and the seconds of its training.

    Raises:
        ValueError: if the record has a run that no table shows.
    """
    known = {
        f"{way} {SETTINGS} {share}{seed}" for way in WAYS for share in SHARES for seed in SEEDS
    }
    if unknown := sorted(record.keys() - known):
        raise ValueError(f"the tables of linked texts lack {', '.join(unknown)}.")
    figures = FIGURES | {"loss of masked words": "loss"}
    rows = [("way", *figures, "s")]
    for way, name in WAYS.items():
        if runs := _runs(record, way):
            cells = (_cell(runs, key) for key in figures.values())
            seconds = sum(run["seconds"] for run in runs.values()) / len(runs)
            rows.append((name, *cells, f"{seconds:.0f}"))
    return table(rows)


def shares(record: Mapping[str, Mapping[str, float]]) -> str:
    """What is left of the structure where links are exchanged, and what of the gain."""
    columns = {"neighbours agree": "consistency", "their vote is right": "graph_vote"} | FIGURES
    rows = [("links exchanged", *columns)]
    for share in SHARES:
        runs = _runs(record, "graph", share)
        known = {key for run in runs.values() for key in run}
        cells = (_cell(runs, key) if key in known else "–" for key in columns.values())
        rows.append((f"{float(share or 0):.0%}", *cells))
    return table(rows)


def _runs(record: Mapping[str, Mapping[str, float]], way: str, share: str = "") -> Runs:
    names = {seed: f"{way} {SETTINGS} {share}{seed}" for seed in SEEDS}
    return {seed: record[name] for seed, name in names.items() if name in record}


def _cell(runs: Runs, key: str) -> str:
    return cell(runs, None, lambda run: run[key])


TABLES = {"ways": ways, "shares": shares}
"""The tables by their names."""
