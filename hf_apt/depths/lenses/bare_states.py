"""The hidden states of a whole trunk before its final normalisation, with a graph if wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hf_apt.depths.model_calls import evaluating, in_own_precision, known_inputs
from hf_apt.depths.model_parts import depth_states, parts_of
from hf_apt.depths.trunk import Trunk

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def bare_states(
    trunk: Trunk, inputs: Mapping[str, Tensor], *, with_graph: bool = False
) -> list[Tensor]:
    """The states (B, T, H) at every depth, as the blocks hand them on, from one forward pass.

    They differ from those of `Trunk.at` in models whose trunk ends in a normalisation of its own
    (pre-norm models): here no depth is normalised, the last one included. With `with_graph` each
    state can be differentiated by every earlier one, and nothing by the weights. The model is in
    evaluation mode meanwhile.

    Raises ValueError for a trunk that is cut after a block, or whose model has changed since.
    """
    trunk.require_current()
    parts = parts_of(trunk.model)
    if trunk.num_depths != len(parts.states):
        raise ValueError(
            f"a lens reads every depth of a model, and the trunk is cut after block "
            f"{trunk.num_depths - 1} of {len(parts.states) - 1}: take Trunk(model)."
        )
    graph = _differentiable(trunk.model) if with_graph else torch.no_grad()
    wanted = {"output_hidden_states": True, "return_dict": True}
    with evaluating(trunk.model), in_own_precision(trunk.model), graph:
        with _inputs_of(parts.final_norm) as before_norm:
            outputs = trunk.module(**inputs, **known_inputs(trunk.module, wanted))
    states = depth_states(outputs)
    return [*states[:-1], before_norm[-1]] if before_norm else states


def after_final_norm(trunk: Trunk, bare: Tensor) -> Tensor:
    """What the trunk would hand to the head if its blocks ended in these states (..., H)."""
    final_norm = parts_of(trunk.model).final_norm
    return bare if final_norm is None else final_norm(bare)


@contextmanager
def frozen(model: PreTrainedModel) -> Iterator[None]:
    """Within the block no weight of `model` is differentiated by; afterwards each is as it was."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


@contextmanager
def _differentiable(model: PreTrainedModel) -> Iterator[None]:
    """Within the block gradients reach the embedded tokens, and no weight."""

    def begin_graph(_: nn.Module, __: Any, embedded: Tensor) -> Tensor:
        return embedded.detach().requires_grad_().clone()  # no leaf, which may not be changed

    hook = model.get_input_embeddings().register_forward_hook(begin_graph)
    try:
        with frozen(model), torch.enable_grad():
            yield
    finally:
        hook.remove()


@contextmanager
def _inputs_of(module: nn.Module | None) -> Iterator[list[Tensor]]:
    """Within the block, what `module` is given is added to the list, call by call."""
    given: list[Tensor] = []
    if module is None:
        yield given
        return
    hook = module.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    try:
        yield given
    finally:
        hook.remove()
