"""Where things are in a language model of transformers, found by running it on a smallest input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hf_apt.depths.state_hooks import is_view

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Within the block, `model` is in evaluation mode; afterwards each module is as it was."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def smallest_input(model: PreTrainedModel) -> dict[str, Tensor]:
    """A smallest input."""
    ids = torch.ones(1, 4, dtype=torch.long, device=model.device)
    return {"input_ids": ids * (min(4, model.config.vocab_size - 1)), "attention_mask": ids}


def depth_states(outputs: Any) -> list[Tensor]:
    """The hidden states of a trunk's output: embeddings, then the output of each block.

    The last entry of `hidden_states` is before the final normalisation in some families.
    """
    return [*outputs.hidden_states[:-1], outputs.last_hidden_state]


def outermost(model: PreTrainedModel) -> nn.Module:
    """The module below `model` that hands hidden states to its head."""
    *below, (_, answer) = returned(model, list(model.modules()))
    found = [
        module
        for module, output in below
        if isinstance(getattr(output, "last_hidden_state", None), Tensor)
    ]
    if not found or not isinstance(getattr(answer, "logits", None), Tensor):
        raise ValueError(
            f"{type(model).__name__} has no trunk apart from its head, or returns no logits."
        )
    return found[-1]


def final_norm(trunk: nn.Module, model: PreTrainedModel) -> nn.Module | None:
    """The normalisation that a trunk applies after its last block, outside of any block."""
    norms = [
        module
        for name, module in trunk.named_modules()
        if "norm" in type(module).__name__.lower() and not any(map(str.isdigit, name.split(".")))
    ]
    *normed, (_, output) = returned(model, [*norms, trunk])
    last = output.last_hidden_state
    return next((module for module, state in normed if is_view(last, state)), None)


def returned(model: PreTrainedModel, modules: list[nn.Module]) -> list[tuple[nn.Module, Any]]:
    """What each of `modules` returns when `model` reads the smallest input, in order."""
    found: list[tuple[nn.Module, Any]] = []
    with recorded(modules, found), torch.no_grad(), evaluating(model):
        model(**smallest_input(model))
    return found


@contextmanager
def recorded(modules: list[nn.Module], returned: list[tuple[nn.Module, Any]]) -> Iterator[None]:
    """Within the block, what each of `modules` returns is added to `returned`."""

    def record(module: nn.Module, _: Any, output: Any) -> None:
        returned.append((module, output))

    hooks = [module.register_forward_hook(record) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
