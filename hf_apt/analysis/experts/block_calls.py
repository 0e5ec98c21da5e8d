"""The layer by which a block's heads or units write, found by watching one forward pass.

No model family is known here. A block is what is called between the making of one state and of the
next, so that a block that is used several times, as in ALBERT, is told apart by the number of the
call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from hf_apt.analysis.experts.part_kinds import Parts
from hf_apt.depths.model_calls import answer_of, evaluating, named_answers, smallest_input
from hf_apt.depths.model_parts import depth_states
from hf_apt.depths.state_hooks import is_view
from hf_apt.depths.trunk import Trunk


@dataclass(frozen=True)
class ModuleCall:
    """One call of a module in a pass of the trunk."""

    module: nn.Module
    """The module."""

    number: int
    """Which of its calls in a pass, from 0."""


@dataclass(frozen=True)
class WritingLayer:
    """The linear layer that a block's parts write by: its input is what they say, side by side."""

    call: ModuleCall
    """The layer's call in this block."""

    num_parts: int
    """Number of parts U."""

    size: int
    """Numbers K of each part; the input of the layer is U * K wide."""

    below: tuple[ModuleCall, ...]
    """What makes the states before the block, embeddings left out, in the order of depths."""

    @property
    def width(self) -> int:
        """Width I of the layer's input."""
        return self.num_parts * self.size

    def weight(self) -> Tensor:
        """The layer's matrix (H, I): what each number of its input adds to the state."""
        weight: Any = self.call.module.weight
        return weight.T if isinstance(self.call.module, Conv1D) else weight


@dataclass(frozen=True)
class _Event:
    """A linear layer's input, or what a module returned, in the order of time."""

    module: nn.Module
    number: int
    value: Any
    is_input: bool


def writing_layer(trunk: Trunk, block: int, parts: Parts) -> WritingLayer:
    """The layer that the `parts` of block number `block` write by.

    In a block the first linear layers are those that queries, keys and values are made by, of one
    input; the next one puts heads together; the last one is the second of the feed-forward part.

    Args:
        trunk: the whole trunk of a language model.
        block: number of the block, from 1.
        parts: `heads`, attention heads; `nodes`, the single numbers that heads hand on; or
            `feed_forward`, intermediate units of the feed-forward part.

    Raises:
        ValueError: for a block that the model does not have, and for a model without such parts.
    """
    last = trunk.num_depths - 1
    if not 1 <= block <= last:
        raise ValueError(f"the model has the blocks 1 to {last}, not {block}.")
    events = _events(trunk)
    states = events.pop().value
    ends = [_made_at(state, events) for state in states]
    kind = type(trunk.model).__name__
    if any(end is None for end in ends):
        raise ValueError(f"{kind} does not show where its blocks end: its parts cannot be told.")
    shape = states[0].shape[:2]
    calls = [
        event
        for event in events[ends[block - 1] : ends[block]]
        if event.is_input and isinstance(event.value, Tensor) and event.value.shape[:2] == shape
    ]
    below = tuple(_outermost(state, events) for state in states[1:block])
    if parts == "feed_forward":
        return _feed_forward(trunk, calls, below, block)
    layer = _heads(trunk.model, calls, below, block, parts)
    if block == 1 and not _hears_others(trunk, layer.call):
        raise _no_heads(trunk.model, block)
    if block > 1:
        writing_layer(trunk, 1, parts)  # its own check: below it nothing has met others
    return layer


def _feed_forward(
    trunk: Trunk, calls: list[_Event], below: tuple[ModuleCall, ...], block: int
) -> WritingLayer:
    is_known = len(calls) > 1 and calls[-1].value is not calls[0].value
    if not is_known or calls[-1].value.shape[-1] < trunk.hidden_size:
        raise ValueError(
            f"{type(trunk.model).__name__} has no feed-forward units to be told in block {block}: "
            "take other parts, or another model."
        )
    last = calls[-1]
    return WritingLayer(ModuleCall(last.module, last.number), last.value.shape[-1], 1, below)


def _heads(
    model: Any, calls: list[_Event], below: tuple[ModuleCall, ...], block: int, parts: Parts
) -> WritingLayer:
    config = model.config
    num_heads = getattr(config, "num_attention_heads", None)
    if not isinstance(num_heads, int) or num_heads < 1 or not calls:
        raise _no_heads(model, block)
    names = {module: name for name, module in model.named_modules()}
    after = [
        call
        for call in calls
        if call.value is not calls[0].value and "att" in names.get(call.module, "").lower()
    ]
    if not after:
        raise _no_heads(model, block)
    out = after[0]
    width = out.value.shape[-1]
    size = getattr(config, "head_dim", None) or config.hidden_size // num_heads
    widths = {num_heads * size, config.hidden_size, getattr(config, "true_hidden_size", 0)}
    if width % num_heads or width not in widths:
        raise _no_heads(model, block)
    num_parts, size = (width, 1) if parts == "nodes" else (num_heads, width // num_heads)
    return WritingLayer(ModuleCall(out.module, out.number), num_parts, size, below)


def _no_heads(model: Any, block: int) -> ValueError:
    return ValueError(
        f"{type(model).__name__} has no attention heads to be told in block {block}: take "
        "feed-forward units (parts feed_forward), or a model with attention."
    )


def _hears_others(trunk: Trunk, call: ModuleCall) -> bool:
    """Whether what a layer of the first block reads at the last position depends on the first."""
    heard: list[Tensor] = []

    def keep(_: nn.Module, args: tuple[Any, ...]) -> None:
        if count[0] == call.number:
            heard.append(args[0][0, -1].clone())

    inputs = smallest_input(trunk.model, trunk.length)
    other = {name: values.clone() for name, values in inputs.items()}
    last_id = trunk.model.config.vocab_size - 1
    other["input_ids"][0, 0] = last_id if other["input_ids"][0, 0] != last_id else 0
    with counted_calls(call.module) as count:
        hook = call.module.register_forward_pre_hook(keep)
        try:
            with torch.no_grad(), evaluating(trunk.model), named_answers(trunk.model):
                for each in (inputs, other):
                    count[0] = -1
                    answer_of(trunk.module, each)
        finally:
            hook.remove()
    return len(heard) == 2 and not torch.equal(*heard)


def _events(trunk: Trunk) -> list[_Event]:
    """What happens in a pass over the smallest input; the last entry has the states (1, T, H)."""
    events: list[_Event] = []
    begun: dict[nn.Module, int] = {}
    returned: dict[nn.Module, int] = {}

    def before(module: nn.Module, args: tuple[Any, ...]) -> None:
        number = begun[module] = begun.get(module, -1) + 1
        if args and isinstance(module, nn.Linear | Conv1D):
            events.append(_Event(module, number, args[0], is_input=True))

    def after(module: nn.Module, _: Any, output: Any) -> None:
        number = returned[module] = returned.get(module, -1) + 1
        if isinstance(output, Tensor):
            events.append(_Event(module, number, output, is_input=False))

    hooks = [module.register_forward_pre_hook(before) for module in trunk.module.modules()]
    hooks += [module.register_forward_hook(after) for module in trunk.module.modules()]
    inputs = smallest_input(trunk.model, trunk.length)
    try:
        with torch.no_grad(), evaluating(trunk.model), named_answers(trunk.model):
            output = answer_of(trunk.module, inputs, output_hidden_states=True, return_dict=True)
    finally:
        for hook in hooks:
            hook.remove()
    states = depth_states(output)[: trunk.num_depths]
    return [*events, _Event(trunk.module, 0, states, is_input=False)]


def _made_at(state: Tensor, events: list[_Event]) -> int | None:
    """The place of the first event in which `state` is there."""
    return next((at for at, one in enumerate(events) if _is_state(one, state)), None)


def _outermost(state: Tensor, events: list[_Event]) -> ModuleCall:
    """The last call that returned `state`, of those around the one that made it."""
    returning = [one for one in events if _is_state(one, state) and not one.is_input]
    made = [one for one in returning if returning[0].module in set(one.module.modules())]
    return ModuleCall(made[-1].module, made[-1].number)


def _is_state(event: _Event, state: Tensor) -> bool:
    return is_view(state, event.value) and event.value.shape == state.shape


@contextmanager
def counted_calls(module: nn.Module) -> Iterator[list[int]]:
    """Within the block, the calls of `module` are counted, in the one entry that is yielded."""
    count = [-1]

    def step(_: nn.Module, __: Any) -> None:
        count[0] += 1

    hook = module.register_forward_pre_hook(step)
    try:
        yield count
    finally:
        hook.remove()
