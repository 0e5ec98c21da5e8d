"""Which training texts are easy, which ambiguous, which hard: the data map of a fine-tuning.

Swayamdipta et al. 2020, "Dataset Cartography", arXiv 2009.10795. The groups are by correctness,
which is the colour of the paper's figure 1.
"""
# E epochs, N training texts.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hf_apt.data.tasks.task import Task
from hf_apt.records.run import Run
from hf_apt.records.studies.study_record import (
    Cell,
    StudyFigure,
    StudyRecord,
    StudyScatter,
    study_record,
)
from hf_apt.stats.dynamics.training_dynamics import DynamicsRecord
from hf_apt.stats.estimates import mean_estimate, plain, share_estimate
from hf_apt.training.methods.dynamics_file import FILE, read_dynamics

MOST_POINTS = 1000
"""Texts that are drawn; of more, that many at even distances."""

_NUM_LEAST = 10
_GROUPS = ("right in every epoch", "right in some epochs", "right in none")


def data_map_of(
    run: Run, checkpoint: str, task: Task, config: Mapping[str, Any]
) -> StudyRecord | None:
    """The data map of a run's fine-tuning on a task; None where `training_dynamics` was not on.

    Args:
        run: the run, with the fine-tuned model of the first seed.
        checkpoint: what was fine-tuned, as it was named.
        task: the task of the first seed.
        config: how it was fine-tuned.

    Returns:
        The record of a study `data_map`, not written yet.

    Raises:
        ValueError: for a file of dynamics that cannot be read, or that is of other texts.
    """
    path = run.path(f"finetune/{task.name}/{FILE}")
    if not path.exists():
        return None
    dynamics = read_dynamics(path)
    if dynamics.probability_EN.shape[1] != len(task.train):
        raise ValueError(
            f"{path} is of {dynamics.probability_EN.shape[1]} texts, and the task has "
            f"{len(task.train)}: fine-tune again."
        )
    return data_map_record(dynamics, checkpoint, task, config)


def data_map_record(
    dynamics: DynamicsRecord, checkpoint: str, task: Task, config: Mapping[str, Any]
) -> StudyRecord:
    """The record of a study `data_map`: how each training text was answered over the epochs."""
    num_E, num_N = dynamics.probability_EN.shape
    group_N = np.select([dynamics.correctness_N == 1, dynamics.correctness_N > 0], [0, 1], 2)
    shares = [share_estimate(int((group_N == group).sum()), num_N) for group in range(3)]
    rows: list[list[Cell]] = [
        [
            name,
            int((group_N == group).sum()),
            plain(shares[group]),
            plain(mean_estimate(dynamics.confidence_N[group_N == group])),
            plain(mean_estimate(dynamics.variability_N[group_N == group])),
        ]
        for group, name in enumerate(_GROUPS)
    ]
    least_N = np.argsort(dynamics.confidence_N, kind="stable")[:_NUM_LEAST]
    confidence = mean_estimate(dynamics.confidence_N)
    return study_record(
        study="data_map",
        subject=task.name,
        title="Data map",
        question="Which training texts are easy to learn, which ambiguous, which hard?",
        checkpoint=checkpoint,
        findings=[
            f"{shares[0].value:.1%} of {num_N:,} training texts are answered right after every one "
            f"of {num_E} epochs, {shares[1].value:.1%} after some, {shares[2].value:.1%} after "
            "none.",
            f"The probability of the label is {confidence.value:.3f} ± "
            f"{confidence.standard_error:.3f} in the mean over texts and epochs.",
        ],
        tables=[
            {
                "title": "Training texts by how they are learnt",
                "header": ["answered", "texts", "share", "confidence", "variability"],
                "rows": rows,
                "notes": [
                    "confidence: mean probability of the label over epochs, read after each one "
                    "without dropout",
                    "variability: its standard deviation over epochs",
                    "± is the standard error over texts; seeds other than the first are not in it",
                ],
            },
            {
                "title": "Training texts of the least confidence",
                "header": ["text", "label", "confidence", "variability", "right"],
                "rows": [
                    [
                        f"text {place + 1}",
                        task.label_names[int(task.train.labels[place])],
                        float(dynamics.confidence_N[place]),
                        float(dynamics.variability_N[place]),
                        float(dynamics.correctness_N[place]),
                    ]
                    for place in least_N.tolist()
                ],
                "notes": [
                    "texts are numbered in the order of the task's training texts; labels that are "
                    "wrong are found among these first"
                ],
            },
        ],
        figures=[_scatter(dynamics, group_N), _by_epoch(dynamics)],
        results={
            name: getattr(dynamics, f"{name}_N").tolist()
            for name in ("confidence", "variability", "correctness")
        },
        config=config,
        provenance=task.provenance,
    )


def _scatter(dynamics: DynamicsRecord, group_N: np.ndarray) -> StudyScatter:
    num = len(group_N)
    shown = np.unique(np.linspace(0, num - 1, min(num, MOST_POINTS)).round().astype(int))
    points_N2 = np.stack([dynamics.variability_N, dynamics.confidence_N], axis=1).astype(float)
    return {
        "title": "Confidence against variability, a point for each training text",
        "x_label": "variability of the label's probability over epochs",
        "y_label": "confidence",
        "groups": {
            name: points_N2[shown[group_N[shown] == group]].round(4).tolist()
            for group, name in enumerate(_GROUPS)
        },
        "x_limits": [0.0, 0.5],
        "y_limits": [0.0, 1.0],
    }


def _by_epoch(dynamics: DynamicsRecord) -> StudyFigure:
    return {
        "title": "Training texts by epoch",
        "y_label": "mean over texts",
        "x_label": "epoch",
        "x_labels": [str(epoch + 1) for epoch in range(len(dynamics.step_E))],
        "curves": {
            "probability of the label": [
                plain(mean_estimate(values_N.astype(float))) for values_N in dynamics.probability_EN
            ],
            "answered right": [
                plain(mean_estimate(values_N.astype(float))) for values_N in dynamics.is_right_EN
            ],
        },
        "over": "texts",
        "unit": "texts",
    }
