"""Any language model of transformers, taken apart: its trunk at every depth.

Nothing here knows a model family. The trunk is the outermost module that returns hidden states; the
head is whatever the model does between its trunk's output and its logits
(`hf_apt.depths.own_head`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import ref

import torch
from torch import Tensor, nn

from hf_apt.depths.last_block import asked_only, position_wise_modules
from hf_apt.depths.model_calls import (
    LENGTH,
    evaluating,
    in_own_precision,
    known_inputs,
    smallest_input,
)
from hf_apt.depths.model_parts import depth_states, parts_of
from hf_apt.depths.state_hooks import makers, tapped

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Trunk:
    """The hidden states of a language model at every depth: 0 = embeddings, m = after block m.

    To take the first trunk off a model is one forward pass of four tokens, the next ones none; what
    lets `at` leave out work is found by experiment when it is first called, or by `prepare`.

    Args:
        model: a loaded language model of transformers; it is held, not copied.
        deepest: read the depths 0 to this one only, and compute nothing after that block; all
            depths if None.

    Raises:
        ValueError: for a model whose depths cannot be decoded alike, and for a depth that it does
            not have.
    """

    def __init__(self, model: PreTrainedModel, *, deepest: int | None = None):
        self.model = model
        self._parts = parts_of(model)
        self._modules = [ref(module) for module in model.modules()]
        self.module = self._parts.trunk
        """The module that is called; its parameters are those of the model."""
        states = self._parts.states
        shapes = {tuple(state.shape) for state in states}
        if len(shapes) > 1:
            raise ValueError(
                f"{type(model).__name__} changes the shape of its hidden states from block to "
                f"block ({sorted(shapes)}): its depths cannot be decoded alike."
            )
        last = len(states) - 1
        deepest = last if deepest is None else deepest
        if not 0 <= deepest <= last:
            raise ValueError(f"the model has the depths 0 to {last}, not {deepest}.")
        self.num_depths = deepest + 1
        """Number of depths D, the embeddings included."""
        self.hidden_size = states[0].shape[-1]
        """Width H of the hidden states."""
        self.length = self._parts.length
        """Tokens of the smallest input that the model takes: 4, but where it takes few lengths."""
        self._is_whole = deepest == last

    def __repr__(self) -> str:
        return f"Trunk({type(self.model).__name__}, {self.num_depths} depths of {self.hidden_size})"

    @property
    def is_current(self) -> bool:
        """Whether the model consists of the modules that it had when the trunk was taken off."""
        now = list(self.model.modules())
        return len(now) == len(self._modules) and all(
            before() is module for before, module in zip(self._modules, now, strict=True)
        )

    @torch.no_grad()
    def at(self, inputs: dict[str, Tensor], asked_BT: Tensor, *, bare: bool = False) -> Tensor:
        """The hidden states at the asked positions, from one forward pass.

        The last block is computed at these alone, as far as the model allows it.

        Args:
            inputs: what the model's `forward` takes by name, such as `input_ids` of shape (B, T).
            asked_BT: which positions are asked, booleans of shape (B, T), N of them true; they may
                stay on the processor whatever the model's device.
            bare: leave the final normalisation of a pre-norm model to `normalised`; where a trunk
                ends in one, it is otherwise applied at every depth, as the head expects it.

        Returns:
            States of shape (D, N, H), positions in row-major order.

        Raises:
            ValueError: if modules of the model were added, taken out or exchanged since, and for
                inputs that a model of few lengths does not take.
        """
        self.require_current()
        positions_N = asked_BT.flatten().nonzero()[:, 0]
        few = 2 * len(positions_N) < asked_BT.numel()
        # Where the mask is the processor's, a graphics card is never waited for.
        positions_N = positions_N.to(self.model.device, non_blocking=True)
        shape = (asked_BT.shape[0], asked_BT.shape[1])
        makers_D, position_wise = self.state_makers(), self._position_wise() if few else ()
        with asked_only(position_wise, shape, positions_N):
            states = self._states_at(makers_D, inputs, positions_N)
        states_DNH = torch.stack(states)
        return states_DNH if bare else self.normalised(states_DNH)

    @torch.no_grad()
    def normalised(self, bare_DNH: Tensor) -> Tensor:
        """What the head expects, from states that `at` has left bare.

        The model's last depth is normalised already.

        Args:
            bare_DNH: bare hidden states, shape (D, N, H).

        Returns:
            States of the same shape; the very same tensor where the trunk does not end in a
            normalisation of its own.
        """
        final_norm = self._parts.final_norm
        if final_norm is None:
            return bare_DNH
        num_bare = self.num_depths - self._is_whole
        states = [final_norm(state_NH) for state_NH in bare_DNH[:num_bare]]
        return torch.stack([*states, *bare_DNH[num_bare:]])

    def require_current(self) -> None:
        """Refuse to read a model whose modules have changed since the trunk was taken off.

        Raises:
            ValueError: unless the trunk `is_current`.
        """
        if not self.is_current:
            raise ValueError(
                f"the modules of {type(self.model).__name__} have changed since its trunk was "
                "taken off: take it off again, Trunk(model), and its head with it."
            )

    def prepare(self) -> Trunk:
        """Make the trunk's experiments now: a dozen forward passes, for a model only once.

        Returns:
            This trunk.
        """
        self.state_makers()
        self._position_wise()
        return self

    def state_makers(self) -> tuple[nn.Module, ...] | None:
        """The modules whose output the states are, found and confirmed by passes when first asked.

        Returns:
            One for each depth, in order; None where some state is no module's own output, because
            later steps add to it or one module makes several.
        """
        known = self._parts.makers
        if self.num_depths not in known:
            with in_own_precision(self.model):
                known[self.num_depths] = self._confirmed_makers()
        return known[self.num_depths]

    def output(self, hidden_BTH: Tensor) -> Any:
        """What the trunk would return if its last hidden states were these.

        Args:
            hidden_BTH: hidden states, shape (B, T, H).

        Returns:
            An output of the model's own class.
        """
        return replace(self._parts.output, last_hidden_state=hidden_BTH)

    def _states_at(
        self, makers_D: Sequence[nn.Module] | None, inputs: dict[str, Tensor], positions_N: Tensor
    ) -> list[Tensor]:
        states = self._tapped(makers_D, inputs, positions_N) if makers_D else None
        if states is not None:
            return states
        shown = depth_states(self._outputs(inputs))[: self.num_depths]
        return [state.flatten(0, 1)[positions_N] for state in shown]

    def _tapped(
        self, modules: Sequence[nn.Module], inputs: dict[str, Tensor], positions_N: Tensor
    ) -> list[Tensor] | None:
        with torch.no_grad(), evaluating(self.model):
            return tapped(
                modules,
                positions_N,
                lambda: self._answer(inputs, return_dict=True),
                stop=not self._is_whole,
            )

    def _confirmed_makers(self) -> tuple[nn.Module, ...] | None:
        states = self._parts.states[: self.num_depths]
        modules = makers(self._parts.returned, states)
        if modules is None:
            return None
        inputs = known_inputs(self.module, smallest_input(self.model, self._parts.length))
        positions_N = torch.arange(states[0].shape[1], device=states[0].device)
        again = self._tapped(modules, inputs, positions_N) or []
        if _are_equal(again, states):
            return modules
        # The states are those of the first trunk: weights can have been trained since.
        states = depth_states(self._outputs(inputs))[: self.num_depths]
        return modules if _are_equal(again, states) else None

    def _position_wise(self) -> tuple[nn.Module, ...]:
        """The modules of the last block that need only be run at asked positions."""
        if not self._is_whole:
            return ()
        if self._parts.position_wise is None:
            with torch.no_grad(), in_own_precision(self.model):
                self._parts.position_wise = position_wise_modules(
                    self.module,
                    lambda inputs: self._outputs(inputs).last_hidden_state,
                    self.model.config.vocab_size,
                )
        return self._parts.position_wise

    def _outputs(self, inputs: dict[str, Tensor]) -> Any:
        with torch.no_grad(), evaluating(self.model):
            return self._answer(inputs, output_hidden_states=True, return_dict=True)

    def _answer(self, inputs: dict[str, Tensor], **wanted: bool) -> Any:
        try:
            return self.module(**inputs, **known_inputs(self.module, wanted))
        except RuntimeError as error:
            if self.length == LENGTH or isinstance(error, torch.OutOfMemoryError):
                raise
            said = " ".join(str(error).split())
            length = inputs["input_ids"].shape[1]
            raise ValueError(
                f"{type(self.model).__name__} fails on this batch of {length} tokens a sequence "
                f"({said}): it takes few lengths, {self.length} tokens is one, and perhaps no "
                "padding; give it texts joined and cut to that length."
            ) from error


def _are_equal(tapped_states: Sequence[Tensor], states: Sequence[Tensor]) -> bool:
    """Whether the states (N, H) are those (1, N, H) of one sequence, at every depth."""
    return len(tapped_states) == len(states) and all(
        torch.equal(a, b.flatten(0, 1)) for a, b in zip(tapped_states, states, strict=True)
    )
