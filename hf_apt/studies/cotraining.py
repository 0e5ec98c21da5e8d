"""Two classifiers that weight each other's training examples by their dynamics, beside controls.

Sadat and Caragea 2024, arXiv 2406.14666. Ours has no clean examples to begin with: each classifier
first learns from a half of the texts. Weights are taken anew between two trainings, not between
epochs, and all weightings of a seed share the first one.
"""
# N training texts, I test texts, C classes.

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from hf_apt.data.tasks.read_texts import open_first, open_unread
from hf_apt.data.tasks.task import Task, open_task
from hf_apt.models.encoders import load_encoder
from hf_apt.stats.classes.macro_f1 import macro_f1
from hf_apt.stats.dynamics.example_weights import (
    Weighting,
    co_training_weights,
    filter_weights,
    threshold_weights,
)
from hf_apt.stats.dynamics.training_dynamics import DynamicsRecord
from hf_apt.stats.estimates import mean_estimate, plain
from hf_apt.studies.cotraining_config import CotrainingConfig
from hf_apt.training.finetuning import finetune, to_train
from hf_apt.training.methods.dynamics_file import FILE, read_dynamics
from hf_apt.training.methods.training_dynamics import TrainingDynamics

_SECOND = 1000
"""What the second classifier of a pair adds to the seed."""

Figures = dict[str, dict[str, float]]
"""By weighting, figures by name."""


def cotrain(checkpoint: str, config: CotrainingConfig) -> dict[str, dict[str, Any]]:
    """Accuracy of pairs of classifiers by the weighting of their examples, over seeds.

    Args:
        checkpoint: folder, Hub id or shipped name of an encoder.
        config: the task, the training, and the weightings.

    Returns:
        By weighting what `cotrain_once` gives, as `value`, `standard_error` and `num` of seeds, and
        `more_than_none`, the difference of accuracies to the weighting `none` of the same seed,
        where that is among them.

    Raises:
        ValueError: for a task or checkpoint that cannot be opened, objectives of either training
            that read texts to be tested with, and what `finetune` refuses.
    """
    own = config.finetune.objectives
    open_first(config.task, config.num_seeds, checkpoint, objectives=own)  # before all training
    by_seed = [cotrain_once(checkpoint, config, number) for number in range(config.num_seeds)]
    return summarised(by_seed)


def summarised(by_seed: list[Figures]) -> dict[str, dict[str, Any]]:
    """Means and standard errors over seeds, and the paired difference to `none`."""
    summary: dict[str, dict[str, Any]] = {}
    for name, figures in by_seed[0].items():
        summary[name] = {
            key: plain(mean_estimate(np.array([seed[name][key] for seed in by_seed])))
            for key in figures
        }
        if "none" in by_seed[0]:
            more = [seed[name]["accuracy"] - seed["none"]["accuracy"] for seed in by_seed]
            summary[name]["more_than_none"] = plain(mean_estimate(np.array(more)))
    return summary


def cotrain_once(checkpoint: str, config: CotrainingConfig, number: int = 0) -> Figures:
    """The figures of one seed: that of `config` plus `number`.

    Returns:
        By weighting `accuracy` and `macro_f1` of the pair, whose probabilities are averaged, and
        `single_accuracy`, the mean of its two classifiers; `weight`, the mean weight of an
        example; and where wrong labels were planted `auc`, how often a right label has a larger
        weight than a wrong one, 0.5 by chance.
    """
    seed = config.task.seed + number
    own = config.finetune.objectives
    task = open_unread(replace(config.task, seed=seed), checkpoint, objectives=own)
    right = open_task(replace(config.task, seed=seed, label_noise=0.0))
    is_right_N = task.train.labels == right.train.labels
    training = replace(config.finetune, seed=config.finetune.seed + number)
    generator = np.random.default_rng(seed)
    half_N = (generator.permutation(len(task.train)) % 2).astype(np.float64)
    records = [
        _trained(checkpoint, task, training, side, half_N if side else 1 - half_N)[1]
        for side in (0, 1)
    ]
    figures: Figures = {}
    for name in config.weightings:
        weights_2N = [
            _weights(name, config, records[1 - side], side, is_right_N) for side in (0, 1)
        ]
        logits_2IC = np.stack(
            [_trained(checkpoint, task, training, side, weights_2N[side])[0] for side in (0, 1)]
        )
        figures[name] = _figures(logits_2IC, task) | _of_weights(weights_2N, is_right_N)
    return figures


def _trained(
    checkpoint: str, task: Task, config: Any, side: int, weights_N: np.ndarray
) -> tuple[np.ndarray, DynamicsRecord]:
    """The test logits (I, C) of one classifier of a pair, and its dynamics on all texts."""
    config = replace(
        config,
        seed=config.seed + _SECOND * side,
        methods=(*config.methods, TrainingDynamics()),
    )
    encoder = load_encoder(checkpoint, label_names=task.label_names, seed=config.seed)
    with tempfile.TemporaryDirectory(prefix="hf_apt-") as folder:
        encoder = to_train(encoder, config)
        logits_IC = finetune(encoder, task, config, Path(folder), weights_I=weights_N)
        return logits_IC, read_dynamics(Path(folder) / FILE)


def _weights(
    name: Weighting,
    config: CotrainingConfig,
    others: DynamicsRecord,
    side: int,
    is_right_N: np.ndarray,
) -> np.ndarray:
    if name == "co_training":
        return co_training_weights(others, side)
    if name == "threshold":
        return threshold_weights(others, config.threshold)
    if name == "filter":
        return filter_weights(others, config.dropped)
    return is_right_N.astype(np.float64) if name == "oracle" else np.ones(len(is_right_N))


def _figures(logits_2IC: np.ndarray, task: Task) -> dict[str, float]:
    from scipy.special import softmax

    labels_I = task.test.labels
    answers_I = softmax(logits_2IC, axis=-1).mean(axis=0).argmax(axis=-1)
    return {
        "accuracy": float((answers_I == labels_I).mean()),
        "macro_f1": macro_f1(labels_I, answers_I, task.num_labels),
        "single_accuracy": float((logits_2IC.argmax(axis=-1) == labels_I).mean()),
    }


def _of_weights(weights_2N: list[np.ndarray], is_right_N: np.ndarray) -> dict[str, float]:
    figures = {"weight": float(np.mean(weights_2N))}
    if not is_right_N.all():
        areas = [roc_auc_score(is_right_N, weights_N) for weights_N in weights_2N]
        figures["auc"] = float(np.mean(areas))
    return figures
