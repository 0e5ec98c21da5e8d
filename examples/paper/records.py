"""What is kept of a piece: its figures and what made them, small enough for a repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hf_apt.atomic import writing

FOLDER = Path(__file__).parents[2] / "docs" / "records" / "paper"
_OF_DEPTH = (
    *("depth", "mean_apt", "mean_apt_common", "rarefied_mean_apt", "rarefied_growth", "apt50"),
    *("masked_accuracy", "cross_entropy", "growth", "growth_by_frequency", "apt_by_frequency"),
)
_OF_CLUSTERS = ("definition", "threshold", "num_clusters", "num_tokens_in_clusters", "mean_size")
_OF_TASK = ("chance", "overlap", "provenance")
_OF_MACHINE = ("torch", "hf_apt", "commit", "system", "processor", "cores", "threads")


def run_record(folder: Path) -> dict[str, Any]:
    """The figures of a run of `hf-apt run` at every depth, by the model's own head."""
    summary = json.loads((folder / "summary.json").read_text())
    depths = [
        _some(depth, _OF_DEPTH)
        | {"clusters": [_some(each, _OF_CLUSTERS) for each in depth["clusters"]]}
        for depth in summary["readouts"]["own_head"]
    ]
    return {
        "corpus": {**summary["corpus"], "name": Path(summary["corpus"]["name"]).name},
        "training": summary["training"],
        "depths": depths,
        "machine": _machine(json.loads((folder / "environment.json").read_text())),
    }


def task_record(folder: Path, task: str) -> dict[str, Any]:
    """The accuracies of a task at every depth, of linear heads, with and without pre-training."""
    found = json.loads((folder / f"finetune/{task}.json").read_text())
    models = {
        name: {
            "classifier": model["classifier"],
            **{
                f"{protocol} {pooling}": model[protocol][pooling]["linear"]
                for protocol in ("frozen", "finetuned")
                for pooling in model[protocol]
            },
        }
        for name, model in found["models"].items()
    }
    machine = _machine(found["environment"])
    return {"task": task, "models": models, "machine": machine} | _some(found, _OF_TASK)


def read(name: str) -> dict[str, Any]:
    """The record of that name."""
    return json.loads(_path(name).read_text())


def is_kept(name: str) -> bool:
    """Whether there is a record of that name."""
    return _path(name).exists()


def keep(name: str, record: Mapping[str, Any]) -> None:
    """Write the record, or leave nothing."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with writing(_path(name)) as file:
        json.dump(record, file, indent=1, sort_keys=True)
        file.write("\n")


def _path(name: str) -> Path:
    return FOLDER / f"{name}.json"


def _some(content: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: content[name] for name in names if name in content}


def _machine(environment: Mapping[str, Any]) -> dict[str, Any]:
    return _some(environment, _OF_MACHINE)
