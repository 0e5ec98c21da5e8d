"""The records of `examples/paper`, in `paper/`: models by their seeds, and what was fine-tuned."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "paper"
SIZES = (2_500, 10_000, 40_000, 160_000)
SEEDS = (1, 2)
STEPS = (90, 270, 900, 2_700)
TASKS = {"dbpedia_14": "DBpedia", "fewrel": "FewRel", "ag_news": "AG News"}

Record = Mapping[str, Any]


def record(name: str) -> Record | None:
    """The record of that name; None if it is not there yet."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def by_seed(name: Callable[[int], str]) -> dict[int, Record]:
    """The records of that name that are there, by their seed."""
    found = {seed: record(name(seed)) for seed in SEEDS}
    return {seed: each for seed, each in found.items() if each is not None}


def models(size: int) -> dict[int, Record]:
    """The models trained on so many paragraphs, by their seed."""
    return by_seed(lambda seed: f"size-{size}-seed-{seed}")


def tuned(size: int, task: str) -> dict[int, Record]:
    """What the task makes of the models trained on so many paragraphs, by their seed."""
    return by_seed(lambda seed: f"size-{size}-seed-{seed}-{task}")


def depth_names(num_depths: int) -> list[str]:
    """Heads of columns."""
    return ["embeddings", *(f"block {depth}" for depth in range(1, num_depths))]
