"""Hidden states where they are made, of the asked positions alone, as deep as is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn


def makers(
    returned: Sequence[tuple[nn.Module, Any]], states: Sequence[Tensor]
) -> tuple[nn.Module, ...] | None:
    """The outermost module that made each of `states`, or None where one has none of its own.

    `returned` holds what each module returned in the pass that made `states`, in order. A state is
    known by its address in memory, so all of it must still be held. It was made by the first module
    that returned it, and by those around that one; modules that only hand it on, dropouts of
    adapters, are not always called.
    """
    outermost = []
    for state in states:
        # Of one sequence, states of (T, B, H) lie in memory like those of (B, T, H).
        returning = [
            module
            for module, output in returned
            if is_view(state, output) and output.shape == state.shape
        ]
        if not returning:
            return None
        made = [module for module in returning if returning[0] in set(module.modules())]
        outermost.append(made[-1])
    calls = [module for module, _ in returned]
    is_called_once = all(sum(call is module for call in calls) == 1 for module in outermost)
    is_one_each = len(set(outermost)) == len(outermost)
    return tuple(outermost) if is_called_once and is_one_each else None


def tapped(
    modules: Sequence[nn.Module], positions_N: Tensor, run: Callable[[], object], *, stop: bool
) -> list[Tensor] | None:
    """The states (N, H) that `modules` make in `run`, at the flat `positions_N`.

    Each is cut out when it is made, so that no whole one is held longer than the model holds it.
    With `stop` the pass ends at the last of them. None if one of them was not called: the model is
    not what it was when its makers were determined.
    """
    taken: dict[nn.Module, Tensor] = {}

    def take(module: nn.Module, _: Any, output: Tensor) -> None:
        taken[module] = output.flatten(0, 1)[positions_N]
        if stop and module is modules[-1]:
            raise _LastIsMadeError

    hooks = [module.register_forward_hook(take) for module in modules]
    try:
        run()
    except _LastIsMadeError:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    if len(taken) < len(modules):
        return None
    return [taken[module] for module in modules]


def is_view(one: Tensor, other: Any) -> bool:
    """Whether both are the same numbers at the same address: GPT-2 reshapes what it normalised."""
    addresses = [(t.data_ptr(), t.numel()) for t in (one, other) if isinstance(t, Tensor)]
    return len(addresses) == 2 and addresses[0] == addresses[1]


class _LastIsMadeError(Exception):
    """Ends a forward pass once all the states that are asked for are made."""
