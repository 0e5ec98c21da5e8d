"""What the last block of a trunk computes position by position, computed only where it is asked.

After the last attention no position depends on another one, so that what becomes of a position
that nobody asks for can be left out: output projection, feed-forward layers, LayerNorms. Nothing
here knows a model family: a module is left out where an experiment shows that it can be.
Source: ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from hf_apt.depths.forward_override import forward_replaced

_NUM_TOKENS = 8
_ASKED = (1, 2, 5)
"""Positions that the experiment asks for."""
_CONFIRMED_AT = (130, 34, 18)
"""Lengths at which all accepted modules are tried together: distant positions can meet, too."""


def position_wise_modules(
    trunk: nn.Module, states: Callable[[dict[str, Tensor]], Tensor], vocab_size: int
) -> tuple[nn.Module, ...]:
    """The outermost modules of the last block that need only be run at asked positions.

    `states` returns the last hidden states (B, T, H) of `trunk` for its inputs. The experiment: the
    last block gets random weights, as fresh or symmetric ones could hide that positions meet; each
    module in turn then sees the asked positions alone and answers NaN at all others. It is one of
    those returned if the asked states come out as they were, and if they still do in a long
    sequence in which all of these modules see every third position. Empty for a model on which the
    experiment cannot be made, and where weights are no plain floating-point tensors.
    """
    with _last_blocks_at_random(trunk) as names:
        try:
            modules = _accepted(trunk, names, states, vocab_size)
            is_safe = modules and _is_confirmed(trunk, modules, states, vocab_size)
            return modules if is_safe else ()
        except Exception:  # what a model does with such an input is its own affair
            return ()


def _accepted(
    trunk: nn.Module,
    names: list[str],
    states: Callable[[dict[str, Tensor]], Tensor],
    vocab_size: int,
) -> tuple[nn.Module, ...]:
    if not names:
        return ()
    experiment = _Experiment(trunk, states, vocab_size, _NUM_TOKENS, _ASKED)
    accepted: dict[str, nn.Module] = {}
    for name in names:
        module = trunk.get_submodule(name)
        is_inside = any(name.startswith(f"{above}.") for above in accepted)
        if is_inside or not any(True for _ in module.parameters()):
            continue  # without weights there is little to save: a dropout, an activation
        try:
            changes_nothing = experiment.changes_nothing([module])
        except Exception:  # what a module does with fewer positions is its own affair
            continue
        if changes_nothing:
            accepted[name] = module
    return tuple(accepted.values())


def _is_confirmed(
    trunk: nn.Module,
    modules: Sequence[nn.Module],
    states: Callable[[dict[str, Tensor]], Tensor],
    vocab_size: int,
) -> bool:
    """Whether `modules` pass the experiment in the longest sequence that the model takes."""
    for length in _CONFIRMED_AT:
        asked = [index for index in range(length) if index % 3 == 1 or index % 7 == 4]
        try:
            experiment = _Experiment(trunk, states, vocab_size, length, asked)
        except Exception:  # as a rule it has fewer positions
            continue
        return experiment.changes_nothing(modules)
    return True  # no longer than the first sequence can be


class _Experiment:
    """Asked states of one sequence, with all modules run everywhere and with some that are not."""

    def __init__(
        self,
        trunk: nn.Module,
        states: Callable[[dict[str, Tensor]], Tensor],
        vocab_size: int,
        length: int,
        asked: Sequence[int],
    ):
        device = next(trunk.parameters()).device
        # Different tokens, where the vocabulary has as many.
        ids_BT = (vocab_size // 2 + torch.arange(length) % max(vocab_size // 2, 1))[None].to(device)
        self.inputs = {"input_ids": ids_BT, "attention_mask": torch.ones_like(ids_BT)}
        self.positions_N = torch.tensor(asked, device=device)
        self.states = states
        self.expected_NH = states(self.inputs)[0, self.positions_N]

    def changes_nothing(self, modules: Sequence[nn.Module]) -> bool:
        """Whether the states are the same if `modules`, called once each, see no other position."""
        shape = (1, self.inputs["input_ids"].shape[1])
        with asked_only(modules, shape, self.positions_N, elsewhere=math.nan) as calls:
            actual_NH = self.states(self.inputs)[0, self.positions_N]
        largest = float(self.expected_NH.abs().max())
        tolerance = torch.finfo(actual_NH.dtype).eps ** 0.6 * largest
        difference = (actual_NH - self.expected_NH).abs().max()
        return set(calls) == {1} and bool(difference <= tolerance)  # which NaN is not


@contextmanager
def asked_only(
    modules: Sequence[nn.Module],
    shape: tuple[int, int],
    positions_N: Tensor,
    *,
    elsewhere: float = 0.0,
) -> Iterator[list[int]]:
    """Within the block each of `modules` is run at the asked positions only.

    `positions_N` are these positions in a flattened batch of `shape` (B, T). At the others a module
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
            return value.flatten(0, 1).index_select(0, positions_N)[None]

        answer_1NW = own(*map(taken, args), **{name: taken(kwargs[name]) for name in kwargs})
        answer_PW = answer_1NW.new_full((math.prod(shape), answer_1NW.shape[-1]), elsewhere)
        answer_PW.index_copy_(0, positions_N, answer_1NW[0])
        return answer_PW.unflatten(0, shape)

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
