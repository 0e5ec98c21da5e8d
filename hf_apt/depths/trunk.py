"""Any language model of transformers, taken apart: its trunk at every depth, its own head.

Nothing here knows a model family. The trunk is the outermost module that returns hidden states; the
head is whatever the model does between its trunk's output and its logits, found by running the
model itself on hidden states put in the trunk's place.
"""
# B batch, T sequence position, N modified positions, D depths, H hidden width, E decoder input
# width.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hf_apt.depths.last_block import asked_only, position_wise_modules
from hf_apt.depths.model_parts import (
    depth_states,
    evaluating,
    final_norm,
    outermost,
    recorded,
    smallest_input,
)
from hf_apt.depths.state_hooks import makers, tapped

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Trunk:
    """The hidden states of a language model at every depth: 0 = embeddings, m = after block m.

    With `deepest` only the depths 0 to `deepest` are read, and nothing behind that block is
    computed. Raises ValueError for a model whose depths cannot be decoded alike, and for a depth
    that it does not have.
    """

    def __init__(self, model: PreTrainedModel, *, deepest: int | None = None):
        self.model = model
        self.module = outermost(model)
        self._final_norm = final_norm(self.module, model)
        outputs = self._outputs(smallest_input(model))
        self._output = replace(outputs, hidden_states=None)
        states = depth_states(outputs)
        widths = {tuple(state.shape) for state in states}
        if len(widths) > 1:
            raise ValueError(
                f"{type(model).__name__} changes the shape of its hidden states from block to "
                f"block ({sorted(widths)}): its depths cannot be decoded alike."
            )
        last = len(states) - 1
        deepest = last if deepest is None else deepest
        if not 0 <= deepest <= last:
            raise ValueError(f"the model has the depths 0 to {last}, not {deepest}.")
        self.num_depths = deepest + 1
        """Number of depths D, the embeddings included."""
        self.hidden_size = states[0].shape[-1]
        """Width H of the hidden states."""
        self._is_whole = deepest == last
        self._makers = self._find_makers()
        self._position_wise = (
            position_wise_modules(self.module, self._last_states, model.config.vocab_size)
            if self._is_whole
            else ()
        )

    @torch.no_grad()
    def at(self, inputs: dict[str, Tensor], asked_BT: Tensor) -> Tensor:
        """The hidden states (D, N, H) at the asked positions, from one forward pass.

        The last block is computed at these alone, as far as it lets itself. `asked_BT` may stay on
        the processor whatever the model's device. Where a trunk ends in a normalisation of its own
        (pre-norm models), it is applied at every depth, as the head expects it.
        """
        places_N = asked_BT.flatten().nonzero()[:, 0]
        few = 2 * len(places_N) < asked_BT.numel()
        # Where the mask is the processor's, a graphics card is never waited for.
        places_N = places_N.to(self.model.device, non_blocking=True)
        shape = (asked_BT.shape[0], asked_BT.shape[1])
        with asked_only(self._position_wise if few else (), shape, places_N):
            states = self._states_at(inputs, places_N)
        if self._final_norm is not None:
            bare = self.num_depths - self._is_whole  # the last of all is normalised already
            states[:bare] = [self._final_norm(state) for state in states[:bare]]
        return torch.stack(states)

    def _states_at(self, inputs: dict[str, Tensor], places_N: Tensor) -> list[Tensor]:
        states = self._tapped(self._makers, inputs, places_N) if self._makers else None
        if states is not None:
            return states
        shown = depth_states(self._outputs(inputs))[: self.num_depths]
        return [state.flatten(0, 1)[places_N] for state in shown]

    def _tapped(
        self, modules: Sequence[nn.Module], inputs: dict[str, Tensor], places_N: Tensor
    ) -> list[Tensor] | None:
        with torch.no_grad(), evaluating(self.model):
            return tapped(
                modules,
                places_N,
                lambda: self.module(**inputs, return_dict=True),
                stop=not self._is_whole,
            )

    def _find_makers(self) -> tuple[nn.Module, ...] | None:
        """The modules that make the states, if these are what they make: later steps may add."""
        returned: list[tuple[nn.Module, Any]] = []
        with recorded(list(self.module.modules()), returned):
            states = depth_states(self._outputs(smallest_input(self.model)))[: self.num_depths]
        found = makers(returned, states)
        if found is None:
            return None
        places_N = torch.arange(states[0].shape[1], device=states[0].device)
        again = self._tapped(found, smallest_input(self.model), places_N) or []
        same = len(again) == len(states) and all(
            torch.equal(a, b.flatten(0, 1)) for a, b in zip(again, states, strict=True)
        )
        return found if same else None

    def output(self, hidden_BTH: Tensor) -> Any:
        """What the trunk would return if its last hidden states were these."""
        return replace(self._output, last_hidden_state=hidden_BTH)

    def _last_states(self, inputs: dict[str, Tensor]) -> Tensor:
        return self._outputs(inputs).last_hidden_state

    def _outputs(self, inputs: dict[str, Tensor]) -> Any:
        with torch.no_grad(), evaluating(self.model):
            outputs = self.module(**inputs, output_hidden_states=True, return_dict=True)
        if getattr(outputs, "hidden_states", None) is None:
            raise ValueError(
                f"{type(self.model).__name__} shows no hidden states of one stack of blocks: its "
                "depths cannot be decoded."
            )
        return outputs
