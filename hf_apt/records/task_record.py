"""The types of the records of fine-tuning: accuracy by depth, committees, comparisons.

A key that is only there where it was asked for is `NotRequired`. What a study alone writes and
reads again is left open (`dict[str, Any]`): its docstring says what is in it.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from hf_apt.stats.depth_figures import PlainEstimate

ByPooling = dict[str, dict[str, list[PlainEstimate]]]
"""A list over depths, by pooling and by name of probe or score."""


class ModelAccuracy(TypedDict):
    """The accuracies of one model by protocol."""

    frozen: ByPooling
    finetuned: NotRequired[ByPooling]
    cut: NotRequired[list[PlainEstimate]]
    classifier: NotRequired[PlainEstimate]
    macro_f1: NotRequired[PlainEstimate]
    num_trained_parameters: NotRequired[int]


class TaskRecord(TypedDict):
    """`finetune/<task>.json`, described in `hf_apt.studies.block_accuracy.measure_blocks`."""

    schema: str
    task: str
    checkpoint: str
    weights: str | None
    model_config: NotRequired[str | None]
    label_names: list[str]
    depths: list[str]
    chance: float
    provenance: list[dict[str, Any]]
    config: dict[str, Any]
    models: dict[str, ModelAccuracy]
    agreement: dict[str, Any]
    enough: NotRequired[dict[str, dict[str, dict[str, Any]]]]
    overlap: dict[str, Any] | None
    environment: dict[str, Any]
    confidence: NotRequired[dict[str, Any]]


class MemberRecord(TypedDict):
    """One member of a committee, or the checkpoint that it is compared with."""

    checkpoint: str
    finetuned_here: bool
    num_trained_parameters: int
    accuracy: PlainEstimate


class CommitteeRecord(TypedDict):
    """`finetune/<task>-committee.json`: see `hf_apt.studies.committee.measure_committee`."""

    schema: str
    task: str
    label_names: list[str]
    chance: float
    provenance: dict[str, Any]
    combination: str
    members: list[MemberRecord]
    curves: dict[str, list[dict[str, Any]]]
    reference: MemberRecord | None
    cost: dict[str, dict[str, Any]]
    config: dict[str, Any]
    environment: dict[str, Any]


class ComparisonRecord(TypedDict):
    """What `hf_apt.studies.run_comparison.compare` returns."""

    schema: str
    task: str
    chance: float
    provenance: list[dict[str, Any]]
    settings: dict[str, Any]
    mean_apt_positions: NotRequired[int | None]
    runs: list[dict[str, Any]]
    gap_rank_correlation: dict[str, Any]
    rank_correlation: dict[str, Any]
