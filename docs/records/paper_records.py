"""The records of `examples/paper`, in `paper/`, by the names that its pieces have."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "examples" / "paper"))
import pieces  # pyright: ignore[reportMissingImports]

FOLDER = Path(__file__).parent / "paper"
SIZES, SEEDS = pieces.SIZES, pieces.SEEDS
THRESHOLD = 0.1
"""Share of right answers from which a confusion is a strong match, in tables of clusters."""

TASKS = {"dbpedia_14": "DBpedia", "fewrel": "FewRel", "ag_news": "AG News"}

Record = Mapping[str, Any]


def record(name: str) -> Record | None:
    """The record of that name; None if it is not there yet."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def needed(name: str) -> Record:
    """The record of that name. Raises ValueError, with the command that makes it, if it is not."""
    found = record(name)
    if found is None:
        raise ValueError(
            f"there is no record of {name}: make it by examples/paper/plan.py --only {name}."
        )
    return found


def by_seed(name: Callable[[int], str]) -> dict[int, Record]:
    """The records of that name that are there, by their seed."""
    found = {seed: record(name(seed)) for seed in SEEDS}
    return {seed: each for seed, each in found.items() if each is not None}


def models(size: int) -> dict[int, Record]:
    """The models trained on so many paragraphs, by their seed."""
    return by_seed(lambda seed: pieces.of_size(size, seed))


def tuned(size: int, task: str) -> dict[int, Record]:
    """What the task makes of the models trained on so many paragraphs, by their seed."""
    return by_seed(lambda seed: f"{pieces.of_size(size, seed)}-{task}")


def all_models() -> dict[int, dict[int, Record]]:
    """The models that are there, by size and seed. Raises ValueError if the first one is not."""
    needed(pieces.of_size(SIZES[0], SEEDS[0]))
    return {size: runs for size in SIZES if (runs := models(size))}


def at_depth(depth: int, *keys: str) -> Callable[[Record], float]:
    """Reads the value of an estimate of a model at that depth, which `keys` lead to."""

    def read(run: Record) -> float:
        found = run["depths"][depth]
        for key in keys:
            found = found[key]
        return found["value"]

    return read


def classifier(run: Record, model: str = "pretrained") -> float:
    """The accuracy of a task's fine-tuned classifier."""
    return run["models"][model]["classifier"]["value"]


def clusters_of(run: Record, definition: str) -> Record:
    """The numbers of the clusters after the last block, by that definition; none if not counted."""
    found = run["depths"][-1]["clusters"]
    asked = (definition, THRESHOLD)
    return next((each for each in found if (each["definition"], each["threshold"]) == asked), {})


def num_depths(found: Mapping[int, Mapping[int, Record]]) -> int:
    """The number of depths of these models, which all have as many."""
    return len(next(iter(next(iter(found.values())).values()))["depths"])
