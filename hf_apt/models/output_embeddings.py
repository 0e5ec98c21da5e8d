"""The module by which a language model makes logits of its last states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def output_embeddings(model: PreTrainedModel) -> nn.Module | None:
    """The decoder of a model's head; None if it has none, or a class that does not know of one."""
    try:
        decoder = model.get_output_embeddings()
    except Exception:  # a class may not know the question
        return None
    return decoder if isinstance(decoder, nn.Module) else None
