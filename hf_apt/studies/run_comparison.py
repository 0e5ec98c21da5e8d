"""Runs that were fine-tuned on one task, side by side: what more text and overlap are good for.

From JSON records alone: each run's `finetune/<task>.json` and, where there is one, `summary.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hf_apt.records.schemas import COMPARISON
from hf_apt.records.summary_record import Summary
from hf_apt.records.task_record import ModelAccuracy, TaskRecord
from hf_apt.records.task_records import gap, is_of_this_model
from hf_apt.records.training.training_methods import KEYS, method_labels
from hf_apt.stats.depth_figures import DepthFigures, PlainEstimate
from hf_apt.stats.rank_agreement import (
    PROTOCOLS,
    accuracy_by_depth,
    rank_correlation,
    scores_by_depth,
)

_SAME_TEXTS = (
    *("num_labels", "num_train", "num_test", "seed"),
    *("train_fingerprint", "test_fingerprint"),
)
_SAME_SETTINGS = ("num_seeds", "finetune", "probe")


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """What a run left on disk about a task."""

    name: str
    """Name to give the run."""

    finetuned: TaskRecord
    """Content of `finetune/<task>.json` (`hf_apt.studies.block_accuracy`)."""

    summary: Summary | None = None
    """Content of `summary.json` (`hf_apt.runs.pipeline`); None for a run that has none."""


def compare(runs: Sequence[ComparedRun]) -> dict[str, Any]:
    """The runs in the order of their corpora's sizes, and rank correlations over them, as JSON.

    `runs`: for each its `name`, `checkpoint`, `corpus` (number of training `tokens`, `sequences`,
    `documents`, and `tokens_seen` in pre-training; the number of packed documents is not known),
    `overlap`, `mean_apt` after the last block and `mean_apt_by_depth` at each, and the accuracy of
    the fine-tuned classifier `pretrained`, `untrained` and their difference `gap`
    (`hf_apt.records.task_records.gap`): estimates.

    `method`: by which loss, objectives and methods a run was fine-tuned, with the settings in which
    runs differ, `plain` for none of them; `accuracy_by_depth`: by protocol (`finetuned`, `cut`)
    estimates of accuracy at each depth, of the linear head on the mean over tokens, or on the first
    pooling that was measured, and of cut classifiers. These settings alone may differ.

    `mean_apt_positions`: the number of asked positions to which `mean_apt` is rarefied
    (`hf_apt.stats.rarefaction`), the largest one that all runs have; null where there is none, and
    mean APT is that of all positions then, which runs of different sizes cannot be compared by.

    `gap_rank_correlation`: Spearman's of the gap with `tokens`, `types` and `occurrences`.
    `rank_correlation`: for each protocol, pooling and score, Spearman's with accuracy over `runs`
    (after the last block) and over `pairs` of block and run; the standard errors of pairs ignore
    that the pairs of a run belong together. Null: not recorded, or not of every run.

    Raises ValueError for fewer than two runs, for one given twice, and for runs of different texts
    or settings.
    """
    _require_comparable(runs)
    size = _common_size(runs)
    methods = method_labels([run.finetuned["config"]["finetune"] for run in runs])
    rows = [_row(run, size, how) for run, how in zip(runs, methods, strict=True)]
    order = sorted(range(len(runs)), key=lambda place: rows[place]["corpus"]["tokens"] or 0)
    runs, rows = [runs[place] for place in order], [rows[place] for place in order]
    first = runs[0].finetuned
    return {
        "schema": COMPARISON,
        "task": first["task"],
        "chance": first["chance"],
        "provenance": first["provenance"],
        "settings": {name: _common(first["config"][name]) for name in _SAME_SETTINGS},
        "mean_apt_positions": size,
        "runs": rows,
        "gap_rank_correlation": _gap_correlations(rows),
        "rank_correlation": _correlations(runs, size),
    }


def _row(run: ComparedRun, size: int | None, method: str) -> dict[str, Any]:
    models = run.finetuned["models"]
    accuracies = {
        name: models.get(name, {}).get("classifier") for name in ("pretrained", "untrained")
    }
    apt_D = _apt_estimates(run, size)
    return {
        "name": run.name,
        "checkpoint": run.finetuned["checkpoint"],
        "method": method,
        "corpus": _corpus(run.summary),
        "overlap": run.finetuned.get("overlap"),
        "mean_apt": apt_D and apt_D[-1],
        "mean_apt_by_depth": apt_D,
        "accuracy_by_depth": _accuracy_by_depth(models["pretrained"]),
        **accuracies,
        "gap": gap(accuracies["pretrained"], accuracies["untrained"]),
    }


def _accuracy_by_depth(model: ModelAccuracy) -> dict[str, list[PlainEstimate]]:
    """Accuracy of the fine-tuned model at each depth by protocol, where it was measured."""
    by_pooling = model.get("finetuned", {})
    pooling = "mean" if "mean" in by_pooling else next(iter(by_pooling), "")
    curves = {
        "finetuned": by_pooling.get(pooling, {}).get("linear"),
        "cut": model.get("cut"),
    }
    return {protocol: curve for protocol, curve in curves.items() if curve}


def _corpus(summary: Summary | None) -> dict[str, Any]:
    corpus, training = (summary or {}).get("corpus"), (summary or {}).get("training")
    if corpus is None or training is None:  # measured, and pre-trained elsewhere
        return dict.fromkeys(("name", "tokens", "sequences", "documents", "tokens_seen"))
    sequences = corpus["num_train_sequences"]
    return {
        "name": corpus["name"],
        "tokens": corpus["num_train_tokens"],
        "sequences": sequences,
        "documents": sequences if corpus["sequences"] == "first" else None,
        "tokens_seen": training["num_tokens_seen"],
    }


def _own_head(run: ComparedRun) -> list[DepthFigures]:
    """The own head's figures, where the summary is of the weights that were fine-tuned."""
    if run.summary is None or not is_of_this_model(run.finetuned, run.summary):
        return []
    return run.summary["readouts"].get("own_head") or []


def _common_size(runs: Sequence[ComparedRun]) -> int | None:
    """The largest number of positions at which every run that has mean APT is rarefied."""
    measured = [depths for run in runs if (depths := _own_head(run))]
    sizes = [{p["num_positions"] for p in depths[-1].get("rarefaction", [])} for depths in measured]
    return max(set.intersection(*sizes), default=None) if sizes else None


def _apt_estimates(run: ComparedRun, size: int | None) -> list[PlainEstimate] | None:
    """Mean APT at each depth, of `size` positions or, if None, of all."""
    depths = _own_head(run)
    if not depths:
        return None
    if size is None:
        return [figures["mean_apt"]["pooled"] for figures in depths]
    return [
        point["mean_apt"]
        for figures in depths
        for point in figures["rarefaction"]
        if point["num_positions"] == size
    ]


def _gap_correlations(rows: list[dict[str, Any]]) -> dict[str, Any]:
    against = {
        "tokens": [row["corpus"]["tokens"] for row in rows],
        "types": [(row["overlap"] or {}).get("types") for row in rows],
        "occurrences": [(row["overlap"] or {}).get("occurrences") for row in rows],
    }
    gaps = [row["gap"] and row["gap"]["value"] for row in rows]
    return {
        name: None if None in values + gaps else rank_correlation(values, gaps)
        for name, values in against.items()
    }


def _correlations(runs: Sequence[ComparedRun], size: int | None) -> dict[str, Any]:
    correlations: dict[str, Any] = {}
    models = [run.finetuned["models"]["pretrained"] for run in runs]
    for protocol in PROTOCOLS:
        for pooling in models[0]["frozen"]:
            accuracies = [accuracy_by_depth(model, protocol, pooling) for model in models]
            if any(accuracy_D is None for accuracy_D in accuracies):
                continue
            for name, scores in _common_scores(runs, pooling, size):
                correlations.setdefault(protocol, {}).setdefault(pooling, {})[name] = {
                    "runs": rank_correlation(
                        [score_D[-1] for score_D in scores],
                        [accuracy_D[-1] for accuracy_D in accuracies if accuracy_D],
                    ),
                    "pairs": rank_correlation(
                        [value for score_D in scores for value in score_D],
                        [value for accuracy_D in accuracies for value in accuracy_D or ()],
                    ),
                }
    return correlations


def _common_scores(
    runs: Sequence[ComparedRun], pooling: str, size: int | None
) -> Iterator[tuple[str, list[list[float]]]]:
    """The scores that all runs have, by depth for each run."""
    by_run = []
    for run in runs:
        apt_D = _apt_estimates(run, size)
        values_D = [estimate["value"] for estimate in apt_D] if apt_D else None
        by_run.append(scores_by_depth(run.finetuned["models"]["pretrained"], pooling, values_D))
    for name in by_run[0]:
        if all(name in scores for scores in by_run):
            yield name, [scores[name] for scores in by_run]


def _require_comparable(runs: Sequence[ComparedRun]) -> None:
    if len(runs) < 2:
        raise ValueError(f"a comparison takes at least two runs, got {len(runs)}.")
    names = [run.name for run in runs]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"the run {twice[0]} is given twice.")
    first, *others = ((run.name, _settings(run.finetuned)) for run in runs)
    for name, settings in others:
        for what in {**first[1], **settings}:
            one, other = first[1].get(what), settings.get(what)
            if one != other:
                raise ValueError(
                    f"{name} was fine-tuned on {runs[0].finetuned['task']} with another {what} "
                    f"({other}) than {first[0]} ({one}): give both the same options of hf-apt "
                    "finetune."
                )


def _common(setting: Any) -> Any:
    """A setting without what runs may differ in."""
    if not isinstance(setting, dict):
        return setting
    return {key: value for key, value in setting.items() if key not in KEYS}


def _settings(record: TaskRecord) -> dict[str, Any]:
    """What must be equal for accuracies to be comparable."""
    settings: dict[str, Any] = {name: record["provenance"][0][name] for name in _SAME_TEXTS}
    for name in _SAME_SETTINGS:
        value = record["config"][name]
        grouped = value if isinstance(value, dict) else {"": value}
        settings |= {
            f"{name} {key}".strip(): each for key, each in grouped.items() if key not in KEYS
        }
    return settings | {"sequence_length": record["config"]["features"]["sequence_length"]}
