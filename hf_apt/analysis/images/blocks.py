"""The modules of an image classifier after which its depths are read, found by running it once.

Transformers show one hidden state for each block, and networks of stages one for each stage. A
stage whose module holds a list of blocks of one class is read after each of these blocks. Source:
ours.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hf_apt.depths.model_calls import evaluating
from hf_apt.depths.model_parts import recorded
from hf_apt.depths.state_hooks import is_view, makers

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Block:
    """A depth of a classifier."""

    name: str
    """`embeddings`, `block 2`, or `block 2.1` for the first block of stage 2."""

    module: nn.Module
    """The module that makes the state."""


@dataclass(frozen=True)
class ClassifierParts:
    """What one pass over some images has shown of a classifier."""

    blocks: tuple[Block, ...]
    """The depths, from the embeddings on."""

    heads: tuple[nn.Module, ...]
    """The last layers, which make the logits of one vector for each image; mostly one."""


def first_tensor(output: Any) -> Any:
    """A module's output, or the first entry of a tuple of them."""
    return output[0] if isinstance(output, tuple | list) and output else output


def logits_of(answer: Any) -> Tensor | None:
    """The logits (B, C) of a classifier's answer, which PP-LCNet calls its last hidden state."""
    logits = getattr(answer, "logits", None)
    if logits is None:
        logits = getattr(answer, "last_hidden_state", None)
    return logits if isinstance(logits, Tensor) and logits.dim() == 2 else None


def classifier_parts(model: PreTrainedModel, pixels_BCHW: Tensor) -> ClassifierParts:
    """The blocks and last layers of `model`, by one pass over at least one image.

    Raises ValueError for a model that fails on them, that shows no hidden states, whose hidden
    states are not each made by a module, or that makes no logits of one vector for each image.
    """
    kind = type(model).__name__
    returned: list[tuple[nn.Module, Any]] = []
    try:
        with recorded([*model.modules()], returned), evaluating(model), torch.no_grad():
            answer = model(pixel_values=pixels_BCHW, output_hidden_states=True, return_dict=True)
    except Exception as error:  # a model can fail in any way on images of another size
        said = " ".join(str(error).split())
        raise ValueError(
            f"{kind} fails on images of {pixels_BCHW.shape[2]}×{pixels_BCHW.shape[3]} pixels, as "
            f"the checkpoint's processor makes them ({said})."
        ) from error
    returned = [(module, first_tensor(output)) for module, output in returned]
    states = [state for state in answer.hidden_states or () if _is_state(state, pixels_BCHW)]
    if len(states) < 2:
        raise ValueError(
            f"{kind} shows no hidden states of its blocks: it cannot be read by depth."
        )
    modules = makers(returned, states)
    if modules is None:
        raise ValueError(
            f"the hidden states of {kind} are not each made by one of its modules: it cannot be "
            "read by depth."
        )
    logits_BC = logits_of(answer)
    heads = () if logits_BC is None else _heads(model, logits_BC, returned)
    if not heads:
        raise ValueError(
            f"{kind} makes no logits of one vector for each image by a layer of its own: it cannot "
            "be read by depth."
        )
    return ClassifierParts(tuple(_blocks(modules, states, returned)), heads)


def _is_state(state: Any, pixels_BCHW: Tensor) -> bool:
    is_tensor = isinstance(state, Tensor) and state.dim() in (3, 4)
    return is_tensor and len(state) == len(pixels_BCHW)


def _blocks(
    modules: tuple[nn.Module, ...], states: list[Tensor], returned: list[tuple[nn.Module, Any]]
) -> list[Block]:
    blocks = [Block("embeddings", modules[0])]
    num_calls = Counter(module for module, _ in returned)
    made = {module: output for module, output in returned if num_calls[module] == 1}
    for number, (module, state) in enumerate(zip(modules[1:], states[1:], strict=True), start=1):
        inner = _inner_blocks(module, made)
        blocks += [
            Block(f"block {number}.{place}", each) for place, each in enumerate(inner, start=1)
        ]
        is_last = number == len(modules) - 1
        if not inner or (is_last and not is_view(made[inner[-1]], state)):
            blocks.append(Block(f"block {number}", module))
    return blocks


def _inner_blocks(module: nn.Module, made: dict[nn.Module, Any]) -> list[nn.Module]:
    """The blocks of a stage: its outermost list of modules of one class, each with parts."""
    for part in module.modules():
        if isinstance(part, nn.ModuleList | nn.Sequential) and len(part) > 0:
            blocks = list(part)
            have_parts = all(next(each.children(), None) is not None for each in blocks)
            if have_parts and len({type(each) for each in blocks}) == 1:
                outputs = [made.get(each) for each in blocks]
                are_states = all(isinstance(it, Tensor) and it.dim() in (3, 4) for it in outputs)
                return blocks if are_states else []
    return []


def _heads(
    model: PreTrainedModel, logits_BC: Tensor, returned: list[tuple[nn.Module, Any]]
) -> tuple[nn.Module, ...]:
    """The module that makes the logits; of logits that are a mean, all that make such ones."""
    own = [
        module for module, output in returned if module is not model and is_view(logits_BC, output)
    ]
    if own:
        return (own[-1],)
    return tuple(
        module
        for module, output in returned
        if isinstance(module, nn.Linear)
        and isinstance(output, Tensor)
        and output.shape == logits_BC.shape
    )
