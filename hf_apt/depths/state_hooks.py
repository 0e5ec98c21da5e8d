"""Hidden states where they are made, of the asked positions alone, as deep as is asked."""
# B batch, T sequence position, N asked positions, H hidden width.

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn


def makers(
    returned: Sequence[tuple[nn.Module, Any]], states: Sequence[Tensor]
) -> tuple[nn.Module, ...] | None:
    """The outermost module that made each of `states`, or None where one has none of its own.

    `returned` holds what each module returned in the pass that made `states`, in order. A state is
    known by its place in memory, so all of it must still be held. It was made by the first module
    that returned it, and by those around that one; modules that only hand it on, dropouts of
    adapters, are not always called.
    """
    found = []
    for state in states:
        # Of one sequence, states of (T, B, H) lie in memory like those of (B, T, H).
        places = [
            module
            for module, output in returned
            if is_view(state, output) and output.shape == state.shape
        ]
        if not places:
            return None
        made = [module for module in places if places[0] in set(module.modules())]
        found.append(made[-1])
    calls = [module for module, _ in returned]
    is_called_once = all(sum(call is module for call in calls) == 1 for module in found)
    return tuple(found) if is_called_once and len(set(found)) == len(found) else None


def tapped(
    modules: Sequence[nn.Module], places_N: Tensor, run: Callable[[], object], *, stop: bool
) -> list[Tensor] | None:
    """The states (N, H) that `modules` make in `run`, at the flat `places_N`.

    Each is cut out when it is made, so that no whole one is held longer than the model holds it.
    With `stop` the pass ends at the last of them. None if one of them was not called: the model is
    not what it was when they were found.
    """
    taken: dict[nn.Module, Tensor] = {}

    def take(module: nn.Module, _: Any, output: Tensor) -> None:
        taken[module] = output.flatten(0, 1)[places_N]
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
    """Whether they hold the same numbers in the same place: GPT-2 reshapes what it normalised."""
    places = [(t.data_ptr(), t.numel()) for t in (one, other) if isinstance(t, Tensor)]
    return len(places) == 2 and places[0] == places[1]


class _LastIsMadeError(Exception):
    """Ends a forward pass of which no more is asked."""
