"""Does APT predict transfer? One study over checkpoints, blocks and tasks, of records alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from hf_apt.analysis.transfer.comparable_runs import require_comparable
from hf_apt.analysis.transfer.transfer_config import TransferConfig
from hf_apt.analysis.transfer.transfer_run import (
    PREDICTOR_LABELS,
    TransferRun,
    common_positions,
    predictors_by_depth,
)
from hf_apt.analysis.transfer.transfer_words import figures_of, findings_of, tables_of
from hf_apt.records.studies.study_record import StudyRecord, study_record
from hf_apt.stats.estimates import plain
from hf_apt.stats.rank_agreement import PROTOCOLS, accuracy_by_depth
from hf_apt.stats.transfer.over_tasks import agreement_over_tasks
from hf_apt.stats.transfer.task_agreement import TaskPairs


def transfer_study(runs: Sequence[TransferRun], config: TransferConfig) -> StudyRecord:
    """How well APT, scores of features, losses and depth itself rank blocks as accuracy does.

    Accuracy is that of the linear head at each depth, frozen or fine-tuned, or of cut models. A
    predictor is judged over the tasks on which a run has it, as a kernel may be known on some, and
    over those runs that have it at all depths on all of these; depth is judged over the same ones
    beside it. All predictors are turned so that larger is better.

    Args:
        runs: what runs left of the same tasks; those tasks are taken that all of them have.
        config: the draws for errors.

    Returns:
        A record. Its `results` hold `runs`, `tasks`, `mean_apt_positions`, and `agreement`: by
        protocol, pooling and predictor the numbers of checkpoints and tasks, and for each of
        `hf_apt.stats.transfer.task_agreement.STATISTICS` its `value` and `minus_depth` (estimates)
        and the error `over_tasks`.

    Raises:
        ValueError: for fewer than two depths, for runs without a common task or of different texts
            or settings, of tasks, measurements or studies, and for one given twice.
    """
    tasks = _common_tasks(runs)
    require_comparable(runs, tasks)
    positions = common_positions(runs, tasks)
    results = {
        "runs": [run.name for run in runs],
        "tasks": tasks,
        "mean_apt_positions": positions,
        "agreement": plain(_agreement(runs, tasks, positions, config)),
    }
    return study_record(
        study="transfer",
        subject="",
        title="Does APT predict transfer?",
        question="Which block of which checkpoint is best for a task, told before fine-tuning?",
        checkpoint=runs[0].tasks[tasks[0]]["checkpoint"],
        findings=findings_of(results),
        tables=tables_of(results),
        figures=figures_of(results),
        results=results,
        config=asdict(config),
        provenance={
            "checkpoints": {
                run.name: {
                    name: run.tasks[tasks[0]].get(name)
                    for name in ("checkpoint", "weights", "model_config")
                }
                for run in runs
            },
            "tasks": {task: runs[0].tasks[task]["provenance"] for task in tasks},
        },
    )


def _agreement(
    runs: Sequence[TransferRun],
    tasks: Sequence[str],
    positions: int | None,
    config: TransferConfig,
) -> dict[str, Any]:
    agreement: dict[str, Any] = {}
    for protocol in PROTOCOLS:
        for pooling in _poolings(runs, tasks):
            measured = [
                run
                for run in runs
                if all(_accuracy(run, task, protocol, pooling) is not None for task in tasks)
            ]
            if measured:
                said = _of_predictors(measured, tasks, protocol, pooling, positions, config)
                agreement.setdefault(protocol, {})[pooling] = said
    return agreement


def _of_predictors(
    runs: Sequence[TransferRun],
    tasks: Sequence[str],
    protocol: str,
    pooling: str,
    positions: int | None,
    config: TransferConfig,
) -> dict[str, Any]:
    """The agreement of each predictor, formed for all predictors of the same runs together."""
    said = {
        (run.name, task): predictors_by_depth(run, task, pooling, positions)
        for run in runs
        for task in tasks
    }
    found_in: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for name in PREDICTOR_LABELS:
        of_tasks = tuple(t for t in tasks if any(name in said[run.name, t] for run in runs))
        having = tuple(run.name for run in runs if all(name in said[run.name, t] for t in of_tasks))
        if of_tasks and having:
            found_in.setdefault((having, of_tasks), []).append(name)
    by_predictor: dict[str, Any] = {}
    for (having, of_tasks), names in found_in.items():
        predictors = ["depth", *(name for name in names if name != "depth")]
        pairs = [
            TaskPairs(task, *_pairs(runs, having, task, protocol, pooling, predictors, said))
            for task in of_tasks
        ]
        agreements = agreement_over_tasks(
            pairs, depth=0, num_draws=config.num_draws, seed=config.seed
        )
        for name, statistics in zip(predictors, agreements, strict=True):
            if name in names:
                numbers = {"num_checkpoints": len(having), "num_tasks": len(of_tasks)}
                by_predictor[name] = {**numbers, **statistics}
    return {name: by_predictor[name] for name in PREDICTOR_LABELS if name in by_predictor}


def _pairs(
    runs: Sequence[TransferRun],
    having: Sequence[str],
    task: str,
    protocol: str,
    pooling: str,
    predictors: Sequence[str],
    said: dict[tuple[str, str], dict[str, list[float]]],
) -> Iterator[np.ndarray]:
    """The arrays of a task's `TaskPairs`."""
    kept = [run for run in runs if run.name in having]
    accuracies = [_accuracy(run, task, protocol, pooling) or [] for run in kept]
    checkpoints = [[number] * len(accuracy_D) for number, accuracy_D in enumerate(accuracies)]
    by_predictor = {
        name: np.concatenate([said[run.name, task][name] for run in kept]) for name in predictors
    }
    yield np.concatenate(checkpoints)
    yield by_predictor["depth"]
    yield np.concatenate(accuracies)
    yield np.stack([by_predictor[name] for name in predictors])


def _accuracy(run: TransferRun, task: str, protocol: str, pooling: str) -> list[float] | None:
    return accuracy_by_depth(run.tasks[task]["models"]["pretrained"], protocol, pooling)


def _poolings(runs: Sequence[TransferRun], tasks: Sequence[str]) -> list[str]:
    """The poolings that all records have, without states side by side, which have no scores."""
    frozen = [run.tasks[task]["models"]["pretrained"]["frozen"] for run in runs for task in tasks]
    return [
        pooling
        for pooling in frozen[0]
        if pooling != "flatten" and all(pooling in by_pooling for by_pooling in frozen)
    ]


def _common_tasks(runs: Sequence[TransferRun]) -> list[str]:
    if not runs:
        raise ValueError("no run came: give the folders of one or more runs that were fine-tuned.")
    names = [run.name for run in runs]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"the run {twice[0]} is given twice.")
    tasks = sorted(set.intersection(*(set(run.tasks) for run in runs)))
    if not tasks:
        there = "; ".join(f"{run.name}: {', '.join(run.tasks) or 'none'}" for run in runs)
        raise ValueError(
            f"there is no task that all runs were fine-tuned on ({there}): run hf-apt finetune on "
            "the same task for each."
        )
    for run in runs:
        for task in tasks:
            if len(run.tasks[task]["depths"]) < 2:
                raise ValueError(f"{run.name} has a single depth, of which none can be chosen.")
    return tasks
