"""How well scores of the frozen trunk, and mean APT, rank the accuracies of a task.

Read off the results of `measure_blocks`: lists of estimates by protocol, pooling and name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hf_apt.stats.estimates import plain, spearman
from hf_apt.stats.transfer_scores import SCORE_NAMES

PROTOCOLS = ("frozen", "finetuned", "cut")
"""The protocols by which accuracy at a depth is measured (`hf_apt.studies.block_protocols`)."""


def accuracy_by_depth(model: Mapping[str, Any], protocol: str, pooling: str) -> list[float] | None:
    """The accuracy at each depth; None where that was not measured.

    It is that of the linear head; of a cut model, its own head's, whatever the pooling.
    """
    if protocol == "cut":
        estimates = model.get("cut")
    else:
        estimates = model.get(protocol, {}).get(pooling, {}).get("linear")
    return estimates and [estimate["value"] for estimate in estimates]


def scores_by_depth(
    model: Mapping[str, Any], pooling: str, apt_D: Sequence[float] | None
) -> dict[str, list[float]]:
    """Each score of the frozen trunk, known before fine-tuning, and `mean_apt`.

    Left out: mean APT that is None or of other depths, and scores that are not finite.
    """
    frozen = model["frozen"].get(pooling, {})
    scores = {
        name: [estimate["value"] for estimate in frozen[name]]
        for name in SCORE_NAMES
        if name in frozen
    }
    num_depths = max(map(len, frozen.values()), default=0)
    if apt_D is not None and len(apt_D) == num_depths:
        scores["mean_apt"] = list(apt_D)
    return {name: values for name, values in scores.items() if None not in values}


def rank_correlation(scores: Sequence[float], accuracies: Sequence[float]) -> dict[str, Any]:
    """Spearman's correlation of the two, an estimate as in JSON; `num` is the number of pairs."""
    return plain(spearman(np.array(scores, float), np.array(accuracies, float)))


def agreement(model: Mapping[str, Any], apt_D: Sequence[float] | None) -> dict[str, Any]:
    """Spearman's correlation over depths of each score with accuracy, by protocol and pooling."""
    correlations: dict[str, Any] = {}
    for protocol in PROTOCOLS:
        for pooling in model["frozen"]:
            accuracy_D = accuracy_by_depth(model, protocol, pooling)
            ranked = scores_by_depth(model, pooling, apt_D)
            if accuracy_D is not None and ranked:
                correlations.setdefault(protocol, {})[pooling] = {
                    name: rank_correlation(values_D, accuracy_D)
                    for name, values_D in ranked.items()
                }
    return correlations
