"""The types of `summary.json`."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from hf_apt.stats.depth_figures import DepthFigures


class CorpusFigures(TypedDict):
    """The text that a run was made of; `shares` is what `hf_apt.data.tokens.Tokens.shares` says."""

    name: str
    sequences: str
    sequence_length: int
    num_train_sequences: int
    num_train_tokens: int
    num_validation_sequences: int
    num_validation_tokens: int
    shares: NotRequired[dict[str, float] | None]


class MaskingFigures(TypedDict):
    """What was asked in the measurement."""

    rate: float
    seed: int
    num_realisations: int
    num_sequences: int
    num_modified: dict[str, int]


TRAINING = ("num_steps", "train_loss", "validation_loss", "num_sequences_seen", "num_tokens_seen")
"""What `training.json` says at least."""


class Summary(TypedDict):
    """The headline figures of a run.

    `model` is what `hf_apt.models.description.describe` says, with the fingerprints of its
    weights and configuration; `training` what pre-training returned, null where hf_apt did not
    train the model. `readouts` holds for each readout its figures by depth.
    """

    schema: str
    title: str
    command: str
    created: str
    corpus: CorpusFigures
    model: dict[str, Any]
    training: dict[str, Any] | None
    masking: MaskingFigures
    readouts: dict[str, list[DepthFigures]]
