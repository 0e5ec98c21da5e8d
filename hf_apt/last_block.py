"""What the last block of a trunk computes position by position, computed only where it is asked.

Behind the last attention no position depends on another one, so that what becomes of a position
that nobody asks for can be left out: output projection, feed-forward layers, LayerNorms. Nothing
here knows a model family: a module is left out where an experiment shows that it can be. Ours.
"""
# B batch, T sequence position, N asked positions, W any width.

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from hf_apt.replaced import forward_replaced

_NUM_TOKENS = 6
_ASKED = (1, 2, 4)
"""Positions that are asked for in the experiment."""


def position_wise_modules(
    trunk: nn.Module, states: Callable[[dict[str, Tensor]], Tensor]
) -> tuple[nn.Module, ...]:
    """The outermost modules of the last block that need only be run at asked positions.

    `states` returns the last hidden states (B, T, H) of `trunk` for its inputs. The experiment: the
    last block gets random weights, lest fresh or symmetric ones hide that positions meet; then each
    module in turn sees the asked positions alone and answers NaN at all others. It is one of those
    returned if the asked states come out as they were. Empty for a model that does not let itself
    be asked so, and where weights are no plain floating-point tensors.
    """
    found: list[nn.Module] = []
    with _last_blocks_at_random(trunk) as names:
        if not names:
            return ()
        inputs = _distinct_ids(trunk)
        places_N = torch.tensor(_ASKED, device=inputs["input_ids"].device)
        expected_NH = states(inputs)[0, places_N]
        tolerance = torch.finfo(expected_NH.dtype).eps ** 0.6 * float(expected_NH.abs().max())
        accepted: list[str] = []
        for name in names:
            module = trunk.get_submodule(name)
            is_inside = any(name.startswith(f"{above}.") for above in accepted)
            if is_inside or not any(True for _ in module.parameters()):
                continue  # without weights there is little to save: a dropout, an activation
            try:
                with asked_only([module], (1, _NUM_TOKENS), places_N, elsewhere=math.nan) as calls:
                    found_NH = states(inputs)[0, places_N]
            except Exception:  # what a module does with fewer positions is its own affair
                continue
            difference = (found_NH - expected_NH).abs().max()
            if calls == [1] and difference <= tolerance:  # NaN is not
                found.append(module)
                accepted.append(name)
    return tuple(found)


@contextmanager
def asked_only(
    modules: Sequence[nn.Module],
    shape: tuple[int, int],
    places_N: Tensor,
    *,
    elsewhere: float = 0.0,
) -> Iterator[list[int]]:
    """Within the block each of `modules` is run at the asked positions only.

    `places_N` are these positions in a flattened batch of `shape` (B, T). At the others a module
    answers `elsewhere`. Yields how often each of them was called.
    """
    calls = [0] * len(modules)

    def run(number: int, own: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]):
        calls[number] += 1

        def taken(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            if value.shape[:2] != shape or value.dim() != 3:
                raise ValueError(f"shape {tuple(value.shape)} is not of one row a position.")
            return value.flatten(0, 1).index_select(0, places_N)[None]

        answer_1NW = own(*map(taken, args), **{name: taken(kwargs[name]) for name in kwargs})
        answer_MW = answer_1NW.new_full((math.prod(shape), answer_1NW.shape[-1]), elsewhere)
        answer_MW.index_copy_(0, places_N, answer_1NW[0])
        return answer_MW.unflatten(0, shape)

    with ExitStack() as stack:
        for number, module in enumerate(modules):
            own = module.forward
            stack.enter_context(
                forward_replaced(
                    module,
                    lambda *args, _number=number, _own=own, **kwargs: run(
                        _number, _own, args, kwargs
                    ),
                )
            )
        yield calls


@contextmanager
def _last_blocks_at_random(trunk: nn.Module) -> Iterator[list[str]]:
    """Within the block the last entry of each list of blocks has random weights.

    Yields the names of the modules of these entries, outer ones first; none if they are no plain
    floating-point weights.
    """
    lists = [
        name
        for name, module in trunk.named_modules()
        if isinstance(module, nn.ModuleList)
        and len(module)
        and not any(map(str.isdigit, name.split(".")))
    ]
    last = [f"{name}.{len(trunk.get_submodule(name)) - 1}" for name in lists]  # pyright: ignore
    modules = [trunk.get_submodule(name) for name in last]
    weights = {weight: weight.data for module in modules for weight in module.parameters()}
    if not all(map(_is_plain, weights)):
        yield []
        return
    generator = torch.Generator().manual_seed(0)
    try:
        for weight, values in weights.items():
            random = torch.randn(values.shape, generator=generator)
            random = random / values.shape[-1] ** 0.5 if values.dim() > 1 else 1 + 0.1 * random
            weight.data = random.to(values.device, values.dtype)
        yield [
            f"{name}.{below}" if below else name
            for name in last
            for below, _ in trunk.get_submodule(name).named_modules()
        ]
    finally:
        for weight, values in weights.items():
            weight.data = values


def _is_plain(weight: nn.Parameter) -> bool:
    """Whether its numbers are here: neither quantised nor kept elsewhere or by another process."""
    is_here = weight.device.type != "meta" and weight.numel() > 0
    return type(weight) is nn.Parameter and weight.is_floating_point() and is_here


def _distinct_ids(trunk: Any) -> dict[str, Tensor]:
    """A sequence of different tokens, where the vocabulary has as many."""
    size = trunk.config.vocab_size
    ids = (torch.arange(_NUM_TOKENS) + size // 2).clamp(max=size - 1)
    ids_BT = ids[None].to(trunk.device)
    return {"input_ids": ids_BT, "attention_mask": torch.ones_like(ids_BT)}
