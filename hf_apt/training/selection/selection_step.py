"""What a step of a generator and its discriminator holds, as their objectives read it."""
# B batch, T sequence position, N asked positions, K answers.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from hf_apt.stats.counts import NOT_ASKED
from hf_apt.training.objective import Objective


def require_head(objective: Objective, model: Any) -> None:
    """Raise ValueError unless `model` is a generator with a discriminator that has the head."""
    heads = getattr(model.config, "heads", ())
    if model.config.model_type != "apt_selection" or objective.name not in heads:
        raise ValueError(
            f"{objective.name} is for a generator and a discriminator with a head of that name, "
            f"and {type(model).__name__} has none: pre-train one by hf-apt pretrain --objective "
            f"{objective.name}:weight=…, or make a SelectionConfig with heads=['{objective.name}']."
        )


def of_head(objective: Objective, outputs: Any, name: str) -> Tensor:
    """What the model returned by that name; ValueError where the discriminator was not called."""
    value = outputs.get(name)
    if value is None:
        raise ValueError(
            f"the model returned no {name}: {objective.name} needs batches with labels and "
            "sampling_keys, as hf_apt.data.training_draws.TrainingDraws(with_keys=True) has them."
        )
    return value


def present(inputs: Mapping[str, Any]) -> Bool[Tensor, "batch seq"]:
    """Where a token stands, no padding."""
    mask = inputs.get("attention_mask")
    return torch.ones_like(inputs["input_ids"], dtype=torch.bool) if mask is None else mask.bool()


def replaced(outputs: Any, inputs: Mapping[str, Any]) -> Bool[Tensor, "batch seq"]:
    """Where the discriminator was shown another token than the original."""
    labels = inputs["labels"]
    text_BT = torch.where(labels != NOT_ASKED, labels, inputs["input_ids"])
    return outputs["shown_ids"] != text_BT


def asked_rows(inputs: Mapping[str, Any]) -> Bool[Tensor, " n"]:
    """Which rows of what was returned at asked positions count: all but those that pad them."""
    labels = inputs["labels"].flatten()
    places_N = inputs.get("asked_positions")
    asked_N = labels[labels != NOT_ASKED] if places_N is None else labels[places_N]
    return asked_N != NOT_ASKED
