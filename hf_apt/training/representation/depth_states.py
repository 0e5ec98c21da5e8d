"""Hidden states of a model in training at one depth, with their gradients.

`hf_apt.depths.trunk.Trunk` reads all depths without gradients; this reads one of them, in the
precision in which the Trainer has the model multiply, and computes nothing after it.
"""
# B texts, T tokens, H width.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, cast

from jaxtyping import Bool, Float
from torch import Tensor, nn

from hf_apt.depths.model_parts import depth_states, parts_of
from hf_apt.depths.state_hooks import is_view
from hf_apt.depths.text_features import pooled
from hf_apt.depths.trunk import Trunk
from hf_apt.training.adversary.passes import unwrapped

States = Literal["before_norm", "after_norm"]
"""Where states are taken at a depth."""

StatePooling = Literal["mean", "cls"]
"""How the states of a text become one vector."""


class DepthStates:
    """The states at one depth of a model, of every token of a batch.

    `after_norm` is what the model's head is given where it reads that depth; `before_norm` is what
    went into the normalisation that ends the depth, or the state itself where there is none, as
    between the blocks of a pre-norm model.

    Args:
        model: a model of transformers with a head on a stack of blocks.
        depth: blocks that states are read after, 0 for the embeddings; None for all of them.
        states: before or after the normalisation that ends the depth.

    Raises:
        ValueError: for a model that has no such depth, or whose depths cannot be read.
    """

    def __init__(self, model: Any, *, depth: int | None = None, states: States = "after_norm"):
        self.model = unwrapped(model)
        """The model that is read."""
        self.trunk = Trunk(self.model, deepest=depth)
        """The model, as far as it is read."""
        self.depth = self.trunk.num_depths - 1
        """Blocks that states are read after."""
        parts = parts_of(self.model)
        state = parts.states[self.depth]
        is_last = self.depth == len(parts.states) - 1
        norms = [(module, output) for module, output in parts.returned if _is_norm(module)]
        ending = [module for module, output in norms if is_view(state, output)]
        self._before: tuple[nn.Module, int] | None = None
        if states == "before_norm" and ending:
            # A module can be called in every block, as ALBERT's are.
            made = [output for module, output in norms if module is ending[0]]
            number = next(at for at, output in enumerate(made) if is_view(state, output))
            self._before = ending[0], number
        self._final_norm = parts.final_norm if states == "after_norm" and not is_last else None
        self._makers = None if self._before else self.trunk.state_makers()

    def is_of(self, model: Any) -> bool:
        """Whether these are the states of `model`, which may be wrapped, as it is now."""
        return unwrapped(model) is self.model and self.trunk.is_current

    def __call__(self, inputs: Mapping[str, Any]) -> Float[Tensor, "b t h"]:
        """The states (B, T, H) in float32, by one forward pass that ends where they are made.

        `inputs` are what the model takes by name, without labels. It is called as a whole, as its
        Trainer calls it, with dropout where it is in training.

        Raises ValueError where the states are not made in that pass.
        """
        if self._before is not None:
            module, number = self._before
            args, kwargs, _ = self._call_of(module, inputs, number)
            state = (*args, *kwargs.values())[0]
        elif self._makers is not None:
            *_, state = self._call_of(self._makers[-1], inputs)
        else:
            with _showing_states(self.trunk.module):
                *_, output = self._call_of(self.trunk.module, inputs)
            state = depth_states(output)[self.depth]
        if self._final_norm is not None:
            state = self._final_norm(state)
        return state.reshape(inputs["input_ids"].shape[0], -1, state.shape[-1]).float()

    def _call_of(
        self, module: nn.Module, inputs: Mapping[str, Any], number: int = 0
    ) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
        """What `module` is given and returns in its call of that number in a pass that ends there.

        Raises ValueError where it is not called so often.
        """
        calls: list[tuple[tuple[Any, ...], dict[str, Any], Any]] = []

        def stop(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            calls.append((args, kwargs, output))
            if len(calls) > number:
                raise _IsMadeError

        hook = module.register_forward_hook(stop, with_kwargs=True)
        try:
            self.model(**inputs)
        except _IsMadeError:
            return calls[number]
        finally:
            hook.remove()
        raise ValueError(
            f"{type(self.model).__name__} does not make its states at depth {self.depth} as it did "
            "when its parts were found: read another depth."
        )


def pooled_states(
    states_BTH: Float[Tensor, "b t h"], present_BT: Bool[Tensor, "b t"], pooling: StatePooling
) -> Float[Tensor, "b h"]:
    """One vector for each text: the mean over its tokens, or the state of the first one, [CLS]."""
    return pooled(states_BTH[None], present_BT, cast(Any, pooling))[0]


def still_of(reader: DepthStates | None, model: Any, **asked: Any) -> DepthStates:
    """`reader`, if it still is that of `model`; else a new `DepthStates` of it, as `asked`."""
    if reader is not None and reader.is_of(model):
        return reader
    return DepthStates(model, **asked)


@contextmanager
def _showing_states(trunk: nn.Module) -> Iterator[None]:
    """Within the block `trunk` returns all hidden states by name, whatever it is asked for."""

    def ask(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return args, kwargs | {"output_hidden_states": True, "return_dict": True}

    hook = trunk.register_forward_pre_hook(ask, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


def _is_norm(module: nn.Module) -> bool:
    return "norm" in type(module).__name__.lower() and not any(module.children())


class _IsMadeError(Exception):
    """Ends a forward pass once the states are made."""
