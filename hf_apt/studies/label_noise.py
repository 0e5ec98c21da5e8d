"""At which depth do wrong labels show? Suspects by prototypes, where wrong ones were planted."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.depths.text_features import features
from hf_apt.models.encoders import load_encoder
from hf_apt.stats.classes.label_noise import detection, label_margins, most_suspect, suspects
from hf_apt.stats.classes.prototypes import Nearness
from hf_apt.stats.estimates import mean_estimate, plain
from hf_apt.stats.probes import standardised


def wrong_labels_by_depth(
    checkpoint: str,
    task: TaskConfig,
    feature_config: FeatureConfig | None = None,
    *,
    kind: Nearness = "cosine",
    num_seeds: int = 3,
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """How many of the planted wrong labels are among the suspects, at each depth of a frozen trunk.

    Features are standardised. Each seed draws texts and wrong labels anew.

    Args:
        checkpoint: folder, Hub id or shipped name of an encoder.
        task: a task with a `label_noise` above 0.
        feature_config: how texts become vectors.
        kind: how near a text is to a prototype.
        num_seeds: repetitions for standard errors.

    Returns:
        By pooling and figure a list over depths of `value`, `standard_error` and `num` of seeds.
        The figures are `precision` and `recall` of the labels whose margin is below 0,
        `precision_at_rate` of as many of the smallest margins as there are wrong labels, whose
        recall is the same, and `share_wrong`, the precision of suspects drawn at random.

    Raises:
        ValueError: for a task without wrong labels, and what `open_task` and `features` refuse.
    """
    if not task.label_noise:
        raise ValueError(
            "the task has a label noise of 0: plant wrong labels, as by label_noise=0.2, to count "
            "how many of them are suspected."
        )
    by_seed = [
        _of_seed(checkpoint, replace(task, seed=task.seed + number), feature_config, kind)
        for number in range(num_seeds)
    ]
    return {
        pooling: {
            name: [
                plain(mean_estimate(values_R))
                for values_R in np.stack([one[pooling][name] for one in by_seed]).T
            ]
            for name in figures
        }
        for pooling, figures in by_seed[0].items()
    }


def _of_seed(
    checkpoint: str, task: TaskConfig, feature_config: FeatureConfig | None, kind: Nearness
) -> dict[str, dict[str, list[float]]]:
    noisy = open_task(task)
    right_I = open_task(replace(task, label_noise=0.0)).train.labels
    encoder = load_encoder(checkpoint, label_names=noisy.label_names, seed=task.seed)
    with tempfile.TemporaryDirectory(prefix="hf_apt-") as scratch:
        by_pooling = features(
            encoder, noisy.train.texts, feature_config or FeatureConfig(), Path(scratch)
        )
        return {
            pooling: _figures(features_DIH, noisy.train.labels, right_I, kind)
            for pooling, features_DIH in by_pooling.items()
        }


def _figures(
    features_DIH: np.ndarray, labels_I: np.ndarray, right_I: np.ndarray, kind: Nearness
) -> dict[str, list[float]]:
    is_wrong_I = labels_I != right_I
    figures: dict[str, list[float]] = {}
    for features_IH in features_DIH:
        scaled_IH, _ = standardised(features_IH, features_IH[:1])
        margins_I = label_margins(scaled_IH, labels_I, kind)
        below = detection(suspects(margins_I), is_wrong_I)
        at_rate = detection(most_suspect(margins_I, is_wrong_I.mean()), is_wrong_I)
        for name, value in (
            ("precision", below.precision),
            ("recall", below.recall),
            ("precision_at_rate", at_rate.precision),
            ("share_wrong", below.share_wrong),
        ):
            figures.setdefault(name, []).append(value)
    return figures
