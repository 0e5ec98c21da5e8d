"""The states that a masked LM's head is given, caught in the passes that a Trainer makes anyway."""
# B texts, T tokens, H width, N asked positions.

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hf_apt.depths.trunk import Trunk
from hf_apt.stats.counts import NOT_ASKED
from hf_apt.training.adversary.passes import unwrapped

_MOST_PASSES = 8
"""Passes that are remembered: those of a step, and what else a program passes in training mode."""


class AskedStates:
    """The last states of a model in training, with their gradients.

    Args:
        model: a masked language model of transformers.

    Raises:
        ValueError: for a model whose depths cannot be read.
    """

    def __init__(self, model: Any):
        self.model = unwrapped(model)
        """The model that is listened to."""
        trunk = Trunk(self.model)
        self.hidden_size = trunk.hidden_size
        """Width of the states."""
        self._state: Tensor | None = None
        self._caught: deque[tuple[Tensor, Tensor]] = deque(maxlen=_MOST_PASSES)
        self._trunk = trunk.module
        self._hooks: list[Any] = []
        self.listen()

    def listen(self) -> None:
        """Catch the states of passes from now on."""
        self.remove()
        self._hooks = [
            self._trunk.register_forward_hook(self._keep),
            self.model.register_forward_hook(self._pair),
        ]

    def of(self, outputs: Any, inputs: Mapping[str, Any]) -> Float[Tensor, "positions h"]:
        """The states of the pass that gave `outputs`, a row for each position of the batch.

        A model may compute the states of the asked positions alone; rows of others are then 0.
        What was caught before is forgotten.

        Raises ValueError for outputs of another model.
        """
        caught = list(self._caught)
        self._caught.clear()
        logits = outputs["logits"]
        states = [state for state, own in caught if _same(own, logits)]
        if not states:
            raise ValueError(
                f"the logits are not those that {type(self.model).__name__} has just given: its "
                "states cannot be read."
            )
        state, labels = states[0], inputs["labels"]
        if state.dim() == 3 and state.shape[:2] == labels.shape:
            return state.flatten(0, 1)
        places_N = inputs.get("asked_positions")
        if places_N is None:
            places_N = (labels.flatten() != NOT_ASKED).nonzero()[:, 0]
        if state.dim() != 2 or len(state) != len(places_N):
            raise ValueError(
                f"states of shape {tuple(state.shape)} do not belong to labels of shape "
                f"{tuple(labels.shape)}: there must be one for each token, or for each label."
            )
        empty_XH = state.new_zeros(labels.numel(), state.shape[-1])
        return empty_XH.index_copy(0, places_N, state)

    def remove(self) -> None:
        """Let go of what was caught, and catch no more."""
        self._state = None
        self._caught.clear()
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def __getstate__(self) -> dict[str, Any]:
        """All but what was caught: torch copies no tensor that has a gradient."""
        return self.__dict__ | {"_state": None, "_caught": deque(maxlen=_MOST_PASSES)}

    def _keep(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._state = output[0] if module.training else None

    def _pair(self, module: nn.Module, inputs: Any, output: Any) -> None:
        state, self._state = self._state, None
        if module.training and state is not None and "logits" in output:
            self._caught.append((state, output["logits"]))


def _same(first: Tensor, second: Tensor) -> bool:
    return first is second or (first.shape == second.shape and torch.equal(first, second))
