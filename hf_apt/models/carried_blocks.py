"""Blocks carried over from another checkpoint into a fresh model, whose embeddings stay fresh."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from torch import nn

from hf_apt.models.carried_parts import CarriedParts
from hf_apt.models.encoders import load_trunk

_PREFIXES: dict[str, tuple[str, ...]] = {
    "whole": ("",),
    "attention": ("attention.",),
    "feed_forward": ("intermediate.", "output."),
}


def carry_blocks(
    model: Any,
    checkpoint: str,
    *,
    blocks: Sequence[int] | None = None,
    parts: CarriedParts = "whole",
) -> list[int]:
    """Give blocks of a model the weights of the same blocks of another checkpoint, to the bit.

    Embeddings, positions and the head of `model` are left as they are, so that the two can have
    different vocabularies. Weights that `model` has for [CLS] and the checkpoint has not become
    copies of those that are carried.

    Args:
        model: a BERT of transformers or of ours, with or without a head; changed in place.
        checkpoint: a folder, a shipped name or a Hub id of another BERT of the same width.
        blocks: numbers of the blocks, from 1 on; None for all.
        parts: what is carried of each block.

    Returns:
        The numbers of the blocks that were carried, from 1 on.

    Raises:
        ValueError: if there is no such checkpoint, a model has no blocks of BERT or too few, or
            weights differ in shape.
    """
    own, others = _blocks_of(model, "the model"), _blocks_of(load_trunk(checkpoint), checkpoint)
    numbers = list(range(1, len(own) + 1)) if blocks is None else list(blocks)
    least = min(len(own), len(others))
    if not numbers or min(numbers) < 1 or max(numbers) > least:
        raise ValueError(
            f"blocks {_listed(numbers)} cannot be carried over: the model has {len(own)} and "
            f"{checkpoint} has {len(others)} blocks. Name blocks that both have."
        )
    for number in numbers:
        weights = others[number - 1].state_dict()
        carried = {key: value for key, value in weights.items() if key.startswith(_PREFIXES[parts])}
        _require_shapes(own[number - 1], carried, checkpoint)
        own[number - 1].load_state_dict(carried, strict=False)
        _begin_cls_as_copies(own[number - 1], carried)
    return numbers


def block_numbers(text: str) -> list[int]:
    """The numbers that `1-3` or `1,4-6` names, ascending.

    Raises ValueError for what names no blocks.

    >>> block_numbers("1,4-6")
    [1, 4, 5, 6]
    """
    numbers: set[int] = set()
    for part in text.split(","):
        found = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", part.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last:
            raise ValueError(
                f"{text!r} names no blocks: write numbers from 1 on, as in 1-3 or 2,5."
            )
        numbers |= {*range(first, last + 1)}
    return sorted(numbers)


def _blocks_of(model: Any, name: str) -> nn.ModuleList:
    trunk = getattr(model, model.base_model_prefix, model)
    blocks = getattr(getattr(trunk, "encoder", None), "layer", None)
    if not isinstance(blocks, nn.ModuleList) or not hasattr(blocks[0], "intermediate"):
        raise ValueError(f"{name} has no blocks of BERT: they can be carried between BERTs alone.")
    return blocks


def _require_shapes(block: nn.Module, weights: dict[str, Any], checkpoint: str) -> None:
    own = block.state_dict()
    for key, value in weights.items():
        if key not in own or own[key].shape != value.shape:
            shape = tuple(own[key].shape) if key in own else "none"
            raise ValueError(
                f"{key} of {checkpoint} has the shape {tuple(value.shape)}, and that of the model "
                f"{shape}: choose the --hidden-size of the checkpoint."
            )


def _begin_cls_as_copies(block: nn.Module, carried: dict[str, Any]) -> None:
    """Weights of [CLS] alone that the checkpoint lacks become copies, as in a fresh model."""
    from hf_apt.models.bert6.cls_blocks import begin_as_copies

    for name, module in block.named_modules():
        if any(key.rpartition(".")[0] in (name, f"{name}.query") for key in carried):
            begin_as_copies(module)
    block.load_state_dict(carried, strict=False)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"
