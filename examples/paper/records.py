"""What is kept of a piece: its figures and what made them, small enough for a repository."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pieces

from hf_apt.atomic import writing

FOLDER = Path(__file__).parents[2] / "docs" / "records" / "paper"
DIGITS = 6
"""Significant digits that are kept."""

_OF_DEPTH = (
    *("depth", "mean_apt", "mean_apt_common", "rarefied_mean_apt", "rarefied_growth", "apt50"),
    *("masked_accuracy", "cross_entropy", "growth", "growth_by_frequency", "apt_by_frequency"),
)
_OF_CLUSTERS = ("definition", "threshold", "num_clusters", "num_tokens_in_clusters", "mean_size")
_OF_TASK = ("chance", "overlap", "provenance")
_OF_COMMITTEE = ("task", "chance", "provenance", "members", "curves", "reference", "cost")
_OF_ENOUGH = ("best", "best_accuracy", "enough", "earlier", "earlier_minus_last", "low", "high")
_OF_MACHINE = ("torch", "hf_apt", "commit", "system", "processor", "cores", "threads")


def record(piece: pieces.Piece, folder: Path) -> dict[str, Any]:
    """The figures that the piece's command left in the folder, and the command."""
    found = _rounded(_MADE[piece.kind](piece, folder))
    return {"command": command(piece)} | found


def command(piece: pieces.Piece) -> str:
    """The command as it is typed, with the names that stand for files."""
    return f"hf-apt {piece.command}"


def read(name: str) -> dict[str, Any]:
    """The record of that name."""
    return json.loads(_path(name).read_text())


def is_kept(piece: pieces.Piece) -> bool:
    """Whether there is a record of that name, made by this very command."""
    return _path(piece.name).exists() and read(piece.name)["command"] == command(piece)


def keep(name: str, content: Mapping[str, Any]) -> None:
    """Write the record, a line for each key, or leave nothing."""
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(content.items()))
    with writing(_path(name)) as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def _measured(piece: pieces.Piece, folder: Path) -> dict[str, Any]:
    """A model at every depth, by its own head, and its training where it had one."""
    summary = json.loads((folder / "summary.json").read_text())
    depths = [
        _some(depth, _OF_DEPTH)
        | {"clusters": [_some(each, _OF_CLUSTERS) for each in depth["clusters"]]}
        for depth in summary["readouts"]["own_head"]
    ]
    return {
        "corpus": {**summary["corpus"], "name": Path(summary["corpus"]["name"]).name},
        "training": summary.get("training"),
        "depths": depths,
        "machine": _machine(json.loads((folder / "environment.json").read_text())),
    }


def _finetuned(piece: pieces.Piece, folder: Path) -> dict[str, Any]:
    """The accuracies of a task at every depth, of linear heads, with and without pre-training."""
    found = json.loads((folder / f"finetune/{piece.task}.json").read_text())
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
    enough = {
        f"{protocol} {pooling}": _some(each, _OF_ENOUGH)
        for protocol, poolings in found["enough"].items()
        for pooling, each in poolings.items()
    }
    made = {"task": piece.task, "models": models, "enough": enough}
    return made | {"machine": _machine(found["environment"])} | _some(found, _OF_TASK)


def _committee(piece: pieces.Piece, folder: Path) -> dict[str, Any]:
    """The accuracies of members, of committees by their size, of the deep model, and the costs."""
    found = json.loads((folder / f"finetune/{piece.task}-committee.json").read_text())
    return _some(found, _OF_COMMITTEE) | {"machine": _machine(found["environment"])}


def _acquisition(piece: pieces.Piece, folder: Path) -> dict[str, Any]:
    """How many tokens are learnt at each depth, and the quartiles of their ages, measured steps."""
    found = json.loads((folder / "acquisition.json").read_text())
    return {
        "steps": found["steps"],
        "num_asked": len(found["tokens"]),
        "ages": [_quartiles(depth) for depth in found["apt_age"]],
        "surprisal_ages": [_quartiles(depth) for depth in found["surprisal_age"] or ()],
        "forgetting": [_quartiles(depth) for depth in found["forgetting"]],
        "order_with_last_depth": found["order_between_depths"][-1],
        "order_with_support": found["order_with_support"],
    }


def _transferred(piece: pieces.Piece, folder: Path) -> dict[str, Any]:
    """How well each predictor ranks blocks and models as accuracy does."""
    found = json.loads((folder / "studies/transfer.json").read_text())
    runs = [Path(each).name for each in found["results"]["runs"]]
    return {**found["results"], "runs": runs, "draws": found["config"]["num_draws"]}


def _quartiles(values: list[float | None]) -> dict[str, Any]:
    known = np.array([each for each in values if each is not None], float)
    if not len(known):
        return {"num": 0, "quartiles": None}
    quartiles = np.quantile(known, [0.25, 0.5, 0.75], method="inverted_cdf")
    return {"num": len(known), "quartiles": quartiles.tolist()}


_MADE: dict[str, Callable[[pieces.Piece, Path], dict[str, Any]]] = {
    "run": _measured,
    "measure": _measured,
    "finetune": _finetuned,
    "committee": _committee,
    "acquisition": _acquisition,
    "transfer": _transferred,
}


def _rounded(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_rounded(value) for value in content]
    return float(f"{content:.{DIGITS}g}") if isinstance(content, float) else content


def _path(name: str) -> Path:
    return FOLDER / f"{name}.json"


def _some(content: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: content[name] for name in names if name in content}


def _machine(environment: Mapping[str, Any]) -> dict[str, Any]:
    return _some(environment, _OF_MACHINE)
