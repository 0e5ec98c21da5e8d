"""The types of `summary.json`."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from hf_apt.records.references.ruler import Ruler
from hf_apt.stats.depth_figures import DepthFigures
from hf_apt.stats.token_rows.row_figures import RowFigures


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


ASKED_NEXT = "next tokens, nothing is masked"
"""What a summary says was asked of a causal model."""


def asks_next_tokens(model: dict[str, Any] | None) -> bool:
    """Whether the model that a run or its summary describes was asked for next tokens."""
    return (model or {}).get("predicts") == "next token"


class MaskingFigures(TypedDict):
    """What was asked in the measurement; `asked` is there where nothing was masked."""

    asked: NotRequired[str]
    rate: float | None
    seed: int | None
    num_realisations: int
    num_sequences: int
    num_modified: dict[str, int]


TRAINING = ("num_steps", "train_loss", "validation_loss", "num_sequences_seen", "num_tokens_seen")
"""What `training.json` says at least.

A training with objectives has `terms`, too: `hf_apt.training.logged_terms.LoggedTerm` by
the name under which each is logged; records of versions before have none.
"""


class Summary(TypedDict):
    """The headline figures of a run.

    `model` is what `hf_apt.models.description.describe` says, with the fingerprints of its
    weights and configuration; `training` what pre-training returned, null where hf_apt did not
    train the model. `readouts` holds for each readout its figures by depth, and `token_rows` the
    rows of the tokens that the own head never gets right, null where the model's were not kept.
    `ruler` holds what to compare accuracies with, missing in runs of versions without one.
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
    token_rows: NotRequired[RowFigures | None]
    ruler: NotRequired[Ruler | None]
