"""The units of a transformers encoder, found by watching one forward pass: no family is known here.

A unit is an intermediate neuron of a block's feed-forward part, or one of its attention heads. Its
weights are the rows by which it reads and the columns by which it writes.
"""
# U units of a layer, H hidden.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hf_apt.depths.model_calls import evaluating
from hf_apt.training.methods.unit_kinds import Units


@dataclass(frozen=True)
class UnitWeight:
    """A parameter, and where in it the units are."""

    parameter: Tensor
    """The weight or bias, a parameter of the model."""

    shape: tuple[int, ...]
    """The shape in which the parameter has an axis of units."""

    axis: int
    """Which axis that is."""

    def of_units(self, tensor: Tensor) -> Tensor:
        """A view of `tensor`, which is shaped like the parameter, with the units first."""
        return tensor.view(self.shape).movedim(self.axis, 0)


@dataclass(frozen=True)
class UnitLayer:
    """The units of one kind in one block."""

    name: str
    """The block's path in the model, and the kind: `bert.encoder.layer.0 feed_forward`."""

    num_units: int
    """Number of units U."""

    writes: nn.Linear
    """The layer that the units write by: its input are their activations."""

    weights: tuple[UnitWeight, ...]
    """All weights that belong to one unit each."""


@dataclass(frozen=True)
class _Call:
    """The first call of a linear layer in a pass."""

    layer: nn.Linear
    input: Tensor


def unit_layers(model: Any, inputs: Mapping[str, Any], units: Units) -> list[UnitLayer]:
    """The layers of units of `model`, block after block; none of a model that is cut to none.

    A block is what has a number in its path. Its first linear layers are queries, keys and values,
    of one input; the next one puts heads together; the last one is the second of the feed-forward
    part, and the ones before it, of one input, the first or, where it is gated, the first and its
    gate, in one matrix of two halves or in two. A block that is used several times is one block.

    Args:
        model: an encoder of transformers with any head, in any mode.
        inputs: a batch that it can read, `input_ids` of shape (B, T) among it.
        units: `feed_forward`, `heads` or `both`.

    Raises:
        ValueError: for a model whose units are not arranged so.
    """
    layers = []
    shape = inputs["input_ids"].shape[:2]
    for name, calls in _calls_of_blocks(model, inputs, shape).items():
        for kind, made in (("feed_forward", _feed_forward), ("heads", _heads)):
            if units not in (kind, "both"):
                continue
            layer = made(f"{name} {kind}", calls, model)
            if layer is None:
                raise ValueError(
                    f"{type(model).__name__} has no {kind} units to be told in {name}: leave out "
                    "grouped gradients, or group the other kind."
                )
            layers.append(layer)
    if not layers and getattr(getattr(model, "config", None), "num_hidden_layers", None) != 0:
        raise ValueError(
            f"{type(model).__name__} has no numbered blocks of linear layers: leave out grouped "
            "gradients."
        )
    return layers


def _feed_forward(name: str, calls: list[_Call], model: Any) -> UnitLayer | None:
    if len(calls) < 2:
        return None
    *before, down = calls
    num_units, width = down.layer.in_features, down.layer.out_features
    up = [call for call in before if call.input is before[-1].input]
    fan_outs = [call.layer.out_features for call in up]
    is_known = fan_outs in ([num_units], [2 * num_units], [num_units] * 2)
    if not is_known or up[-1].layer.in_features != width:
        return None
    weights = [UnitWeight(down.layer.weight, (width, num_units), 1)]
    for call in up:
        halves = call.layer.out_features // num_units
        weights += _rows(call.layer, (halves, num_units), axis=1)
    return UnitLayer(name, num_units, down.layer, tuple(weights))


def _heads(name: str, calls: list[_Call], model: Any) -> UnitLayer | None:
    read = [call.layer for call in calls if call.input is calls[0].input]
    after = calls[len(read) :]
    num_heads = getattr(model.config, "num_attention_heads", None)
    if len(read) != 3 or not after or not isinstance(num_heads, int):
        return None
    out = after[0].layer
    inner = out.in_features
    if inner % num_heads or any(layer.out_features != inner for layer in read):
        return None
    size = inner // num_heads
    weights = [UnitWeight(out.weight, (out.out_features, num_heads, size), 1)]
    for layer in read:
        weights += _rows(layer, (num_heads, size), axis=0)
    return UnitLayer(name, num_heads, out, tuple(weights))


def _rows(layer: nn.Linear, rows: tuple[int, ...], axis: int) -> Iterator[UnitWeight]:
    """The weight and maybe the bias of a layer whose rows are shaped `rows`."""
    yield UnitWeight(layer.weight, (*rows, layer.in_features), axis)
    if layer.bias is not None:
        yield UnitWeight(layer.bias, rows, axis)


def _calls_of_blocks(
    model: Any, inputs: Mapping[str, Any], shape: torch.Size
) -> dict[str, list[_Call]]:
    """The first calls of the linear layers of each block, in their order, by the block's path."""
    by_block: dict[str, list[_Call]] = {}
    seen: set[nn.Module] = set()

    def noting(block: str) -> Any:
        def note(layer: nn.Module, args: tuple[Any, ...]) -> None:
            # What is no state of these tokens, such as embeddings of distances, is left out.
            if isinstance(layer, nn.Linear) and args[0].shape[:2] == shape and layer not in seen:
                seen.add(layer)
                by_block.setdefault(block, []).append(_Call(layer, args[0]))

        return note

    hooks = [
        module.register_forward_pre_hook(noting(block))
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and (block := _block_of(name))
    ]
    try:
        with torch.no_grad(), evaluating(model):
            model(**inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return {block: calls for block, calls in by_block.items() if len(calls) > 1}


def _block_of(name: str) -> str:
    """The path up to its first number; empty if it has none."""
    parts = name.split(".")
    numbered = next((place for place, part in enumerate(parts) if part.isdigit()), None)
    return "" if numbered is None else ".".join(parts[: numbered + 1])
