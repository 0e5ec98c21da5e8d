"""What a run left of measurement, fine-tuning and studies, and what in it predicts transfer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hf_apt.records.fingerprints import is_same_checkpoint
from hf_apt.records.studies.study_record import StudyRecord
from hf_apt.records.summary_record import Summary
from hf_apt.records.task_record import TaskRecord
from hf_apt.records.task_records import is_of_this_model
from hf_apt.stats.clusters import HEADLINE
from hf_apt.stats.depth_figures import DepthFigures
from hf_apt.stats.labels import SCORE_LABELS
from hf_apt.stats.rank_agreement import scores_by_depth

PREDICTOR_LABELS = {
    "depth": "depth",
    "last_but_one": "last but one",
    **{name: label for name, label in SCORE_LABELS.items() if name != "mean_apt"},
    "mean_apt": "mean APT",
    "apt_at_mask": "APT at [MASK]",
    "num_clusters": "clusters",
    "cross_entropy": "−cross-entropy",
    "anchor_r_squared": "anchor R²",
    "kernel_alignment": "kernel alignment",
    "kernel_condition": "−condition number",
}
"""What predicts the accuracy at a depth, the larger the better."""


@dataclass(frozen=True, kw_only=True)
class TransferRun:
    """What a run left on disk."""

    name: str
    """Name to give the run."""

    tasks: dict[str, TaskRecord]
    """The contents of `finetune/<task>.json` by task (`hf_apt.studies.block_accuracy`)."""

    summary: Summary | None = None
    """Content of `summary.json`; None for a run that measured no masked language model."""

    studies: Sequence[StudyRecord] = field(default_factory=tuple)
    """The records of its studies."""

    def depths_of(self, task: str) -> list[DepthFigures]:
        """The own head's figures, where they are of the weights that were fine-tuned on `task`."""
        if self.summary is None or not is_of_this_model(self.tasks[task], self.summary):
            return []
        return self.summary["readouts"].get("own_head") or []


def common_positions(runs: Sequence[TransferRun], tasks: Sequence[str]) -> int | None:
    """The largest number of asked positions to which mean APT of all runs can be rarefied.

    Runs without mean APT do not count. None where there is no such number.
    """
    measured = [depths for run in runs for task in tasks if (depths := run.depths_of(task))]
    sizes = [{p["num_positions"] for p in depths[-1].get("rarefaction", [])} for depths in measured]
    return max(set.intersection(*sizes), default=None) if sizes else None


def predictors_by_depth(
    run: TransferRun, task: str, pooling: str, positions: int | None
) -> dict[str, list[float]]:
    """What each predictor says of each depth, the larger the better; those that are known.

    Args:
        run: a run that was fine-tuned on `task`.
        task: name of the task.
        pooling: how the states of a text become the vector that scores are of.
        positions: number of asked positions to which mean APT is rarefied; None for no mean APT.

    Returns:
        Lists over depths, by the names of `PREDICTOR_LABELS` and in their order.
    """
    record = run.tasks[task]
    num = len(record["depths"])
    said: dict[str, Sequence[Any]] = {
        "depth": [depth / (num - 1) for depth in range(num)],
        "last_but_one": [-abs(depth - (num - 2)) for depth in range(num)],
        **scores_by_depth(record["models"]["pretrained"], pooling, None),
        **_of_measurement(run.depths_of(task), positions),
        **predictors_of_studies(run.studies, record),
    }
    return {
        name: [float(value) for value in said[name]]
        for name in PREDICTOR_LABELS
        if name in said and _is_whole(said[name], num)
    }


def _is_whole(values: Sequence[Any], num: int) -> bool:
    return len(values) == num and all(
        isinstance(value, (int, float)) and math.isfinite(value) for value in values
    )


def _of_measurement(
    depths: Sequence[DepthFigures], positions: int | None
) -> dict[str, list[float | None]]:
    rarefied: list[float | None] = [
        point["mean_apt"]["value"]
        for figures in depths
        for point in figures.get("rarefaction", [])
        if point["num_positions"] == positions
    ]
    entropies = [(figures.get("cross_entropy") or {}).get("value") for figures in depths]
    return {
        "mean_apt": rarefied,
        "apt_at_mask": [_value(figures["mean_apt"].get("masked")) for figures in depths],
        "num_clusters": [_num_clusters(figures) for figures in depths],
        "cross_entropy": [None if value is None else -value for value in entropies],
    }


def _num_clusters(figures: DepthFigures) -> int | None:
    numbers = (
        entry["num_clusters"]
        for entry in figures.get("clusters", [])
        if (entry["definition"], entry["threshold"]) == HEADLINE
    )
    return next(numbers, None)


def _value(estimate: Any) -> float | None:
    return None if estimate is None else estimate["value"]


def predictors_of_studies(
    studies: Sequence[StudyRecord], record: Mapping[str, Any]
) -> dict[str, list[float | None]]:
    """What the studies `anchors` and `kernels` say of each depth, the larger the better.

    Args:
        studies: records of studies; those of other weights or of another task are passed over.
        record: the record of a task, with `task` and the fingerprints of the weights.

    Returns:
        Lists over depths, None where a depth has no number: the R² of the anchor, the alignment of
        the kernel of gradient descent over the parameters of the depth, and minus that kernel's
        condition number, of what is above rounding.
    """
    said: dict[str, list[float | None]] = {}
    for each in studies:
        if each["subject"] not in ("", record["task"]) or not is_same_checkpoint(each, record):
            continue
        results = each["results"]
        if each["study"] == "anchors":
            said["anchor_r_squared"] = [
                _value((fit["r_squared"] or {}).get("affine")) for fit in results["depths"]
            ]
        elif each["study"] == "kernels":
            places = {place["place"]: place for place in results["places"]}
            of_depth = [
                places.get(f"block {depth}" if depth else "embeddings", {})
                for depth in range(len(results["depths"]))
            ]
            said["kernel_alignment"] = [_value(place.get("alignment")) for place in of_depth]
            conditions = [_value(place.get("condition_of_rank")) for place in of_depth]
            said["kernel_condition"] = [None if one is None else -one for one in conditions]
    return said
