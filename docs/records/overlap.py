"""Table of what pre-training on text like the tasks' gives them, and on text unlike them.

± is over the seeds of pre-training, and * marks a single one.
"""

from __future__ import annotations

from cells import cell, table
from paper_records import TASKS, at_depth, by_seed, classifier, needed, pieces

CALLED = {"near": "like the tasks'", "far": "unlike them"}


def overlap() -> str:
    """Of each corpus: mean APT, and what it gives a task beside the share of its tokens there."""
    needed(f"{pieces.CORPORA[0]}-seed-{pieces.SEEDS[0]}")
    heads = (head for label in TASKS.values() for head in (f"{label}: tokens seen", "accuracy"))
    rows = [("text", "mean APT", *heads)]
    for corpus in pieces.CORPORA:
        models = by_seed(lambda seed, corpus=corpus: f"{corpus}-seed-{seed}")
        if not models:
            continue
        cells = [cell(models, None, at_depth(-1, "rarefied_mean_apt"))]
        for task in TASKS:
            runs = by_seed(lambda seed, corpus=corpus, task=task: f"{corpus}-seed-{seed}-{task}")
            if runs:
                cells.append(cell(runs, None, lambda run: run["overlap"]["occurrences"]))
                cells.append(cell(runs, None, classifier))
            else:
                cells += ["–", "–"]
        rows.append((CALLED[corpus], *cells))
    return table(rows)


TABLES = {"overlap": overlap}
"""The tables by their names."""
