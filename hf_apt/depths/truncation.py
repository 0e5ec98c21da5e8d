"""An encoder cut after one of its blocks, to be trained as a model of its own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hf_apt.depths.trunk import Trunk
from hf_apt.models.encoders import Encoder

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_TOLERANCE = 1e-4
"""Share of the largest state by which a cut model may differ from the whole one: rounding."""


def cut(encoder: Encoder, depth: int) -> Encoder:
    """A copy of `encoder` that consists of its embeddings, blocks 1 to `depth`, and its head.

    What a trunk does after its last block (the final normalisation of pre-norm models) it does
    after the last one that is left. The blocks are the lists of modules of that length, outside of
    any block; a model without such a list is taken to repeat a block as often as its configuration
    says (ALBERT). The result is compared with the hidden states of the whole.

    Raises ValueError for a depth that the encoder does not have, and for a model that cannot be
    cut so.
    """
    trunk = Trunk(encoder.model)
    num_blocks = trunk.num_depths - 1
    if not 0 <= depth <= num_blocks:
        raise ValueError(f"the model can be cut after 0 to {num_blocks} blocks, not {depth}.")
    name = next(name for name, module in encoder.model.named_modules() if module is trunk.module)
    model = copy.deepcopy(encoder.model)
    below = model.get_submodule(name)
    for blocks in _stacks(below, num_blocks):
        del blocks[depth:]
    model.config.num_hidden_layers = depth
    ids_BT = _some_ids(model)
    inputs = {"input_ids": ids_BT, "attention_mask": torch.ones_like(ids_BT)}
    expected_NH = trunk.at(inputs, torch.ones_like(ids_BT, dtype=torch.bool))[depth]
    try:
        with torch.no_grad():
            actual_NH = below.eval()(**inputs, return_dict=True).last_hidden_state[0]
    except Exception as error:  # models can depend on their blocks in any way
        raise _uncuttable(encoder, depth) from error
    if (actual_NH - expected_NH).abs().max() > _TOLERANCE * expected_NH.abs().max():
        raise _uncuttable(encoder, depth)
    return Encoder(model, encoder.tokenizer)


def _stacks(trunk: nn.Module, num_blocks: int) -> list[nn.ModuleList]:
    """The lists of `num_blocks` modules that are no part of a block."""
    return [
        module
        for name, module in trunk.named_modules()
        if isinstance(module, nn.ModuleList)
        and len(module) == num_blocks
        and not any(map(str.isdigit, name.split(".")))
    ]


def _some_ids(model: PreTrainedModel) -> Tensor:
    """A short text (1, T) of different tokens."""
    size = model.config.vocab_size
    return (torch.arange(4) + size // 2).clamp(max=size - 1)[None].to(model.device)


def _uncuttable(encoder: Encoder, depth: int) -> ValueError:
    return ValueError(
        f"{type(encoder.model).__name__} cannot be cut after block {depth}: what is left of it "
        "answers otherwise than the whole at that depth; leave out the protocol cut."
    )
