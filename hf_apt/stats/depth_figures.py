"""The types of a depth's figures as plain JSON: what `summary.json` holds for each depth."""

from __future__ import annotations

from typing import TypedDict


class PlainEstimate(TypedDict):
    """An `Estimate` as JSON has it: NaN is null.

    `value` is null over nothing, and typed as a number all the same: code that can meet a mean over
    nothing asks for it.
    """

    value: float
    standard_error: float | None
    num: int


class PlainApt50(TypedDict):
    """An `Apt50` as JSON has it."""

    most_frequent_50: PlainEstimate
    upper_half: PlainEstimate
    support_50: PlainEstimate


class FrequencyBin(TypedDict):
    """Mean APT of the tokens of one bin of corpus frequency."""

    low: int
    high: int
    mean_apt: PlainEstimate


class RarefiedFigures(TypedDict):
    """Mean APT expected at a number of asked positions."""

    num_positions: int
    mean_apt: PlainEstimate


class NeverRight(TypedDict):
    """Tokens that were asked often and never right."""

    min_support: int
    num_tokens: int
    tokens: list[int]
    support: list[int]


class ConfusionFigures(TypedDict):
    """Sizes of a confusion table."""

    num_rows: int
    num_kept: int
    num_ties: int
    num_pairs: int


class ClusterFigures(TypedDict):
    """What there is to say of the clusters of one definition and threshold."""

    definition: str
    threshold: float
    num_clusters: int
    num_tokens_in_clusters: int
    share_with_strong_match: float | None
    mean_size: float | None
    median_size: float | None
    max_size: int | None
    size_histogram: dict[str, int]
    noise_mass: float | None
    agreement_previous: float | None
    agreement_planted: float | None


class DepthFigures(TypedDict):
    """The figures of one depth, described in `hf_apt.stats.depth_summary.summarise_depths`.

    Beside these keys stand those of all measures (`hf_apt.stats.measures.registry.COLUMNS`).
    """

    depth: int
    mean_apt: dict[str, PlainEstimate]
    mean_apt_common: dict[str, PlainEstimate]
    mean_apt_planted: PlainEstimate | None
    rarefaction: list[RarefiedFigures]
    rarefied_growth: PlainEstimate | None
    never_right: NeverRight
    masked_accuracy: dict[str, PlainEstimate]
    apt50: dict[str, PlainApt50]
    growth: PlainEstimate | None
    growth_by_frequency: list[float] | None
    apt_by_frequency: list[FrequencyBin]
    confusion: ConfusionFigures
    clusters: list[ClusterFigures]
