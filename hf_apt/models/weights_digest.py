"""Short hashes of weights and models in memory, whatever files they are from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hf_apt.records.fingerprints import SAYS_NOTHING

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """A short hash of weights and their names."""
    digest = hashlib.sha256()
    for name, weight in sorted(weights.items()):
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        values = weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        digest.update(memoryview(values))  # pyright: ignore[reportArgumentType]
    return digest.hexdigest()[:16]


def model_digest(model: PreTrainedModel) -> str:
    """A short hash of a model's weights and of its configuration, which weights do not show."""
    config = {k: v for k, v in model.config.to_dict().items() if k not in SAYS_NOTHING}
    text = json.dumps(config, sort_keys=True, default=str)
    return hashlib.sha256(f"{weights_digest(model.state_dict())} {text}".encode()).hexdigest()[:16]
