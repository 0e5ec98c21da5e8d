"""A model with some parts of one block kept and all others silenced, without what lies below.

The states below the block are computed once for a batch; for each choice of parts only the block
and those above it are computed again.
"""
# I width of what a block's parts say side by side, K numbers that are kept.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from hf_apt.analysis.experts.block_calls import ModuleCall, WritingLayer, counted_calls
from hf_apt.depths.forward_override import forward_replaced
from hf_apt.depths.model_calls import smallest_input
from hf_apt.depths.trunk import Trunk


class KeptParts:
    """The last states of a model for every choice of what one layer of it is given.

    Args:
        trunk: the whole trunk of a language model.
        layer: the layer that the parts write by.
        mean_I: what silenced numbers are set to, such as their mean over a text; 0 if None.
    """

    def __init__(self, trunk: Trunk, layer: WritingLayer, mean_I: Tensor | None = None):
        self.trunk = trunk
        self.layer = layer
        self._mean_I = mean_I
        self._below: tuple[ModuleCall, ...] = ()
        trunk.prepare()
        if layer.below and self._can_go_on_from(layer.below):
            self._below = layer.below

    @property
    def num_blocks_again(self) -> int:
        """Blocks that are computed again for each choice of parts."""
        return self.trunk.num_depths - 1 - len(self._below)

    def states(
        self, inputs: dict[str, Tensor], asked_BT: Tensor, kept: Sequence[Tensor]
    ) -> Iterator[Tensor]:
        """The last states at the asked positions: those of the whole model, then of each choice.

        Args:
            inputs: as `Trunk.at` takes them.
            asked_BT: the asked positions, booleans of shape (B, T), N of them true.
            kept: what is kept each time: a mask of shape (I,), 1 or 0; or orthonormal directions of
                shape (I, K), onto which the numbers are projected.

        Yields:
            States of shape (N, H), 1 + len(kept) times.
        """
        whole_NH, state_BTH = self._whole(inputs, asked_BT)
        yield whole_NH
        for one in kept:
            yield self._again(inputs, asked_BT, one, state_BTH)

    @torch.no_grad()
    def _whole(self, inputs: dict[str, Tensor], asked_BT: Tensor) -> tuple[Tensor, Tensor | None]:
        if not self._below:
            return self.trunk.at(inputs, asked_BT)[-1], None
        last = self._below[-1]
        made: list[Tensor] = []
        with counted_calls(last.module) as count:

            def keep(_: nn.Module, __: Any, output: Tensor) -> None:
                if count[0] == last.number:
                    made.append(output)

            hook = last.module.register_forward_hook(keep)
            try:
                whole_NH = self.trunk.at(inputs, asked_BT)[-1]
            finally:
                hook.remove()
        return whole_NH, made[0]

    @torch.no_grad()
    def _again(
        self,
        inputs: dict[str, Tensor],
        asked_BT: Tensor,
        kept: Tensor,
        state_BTH: Tensor | None,
    ) -> Tensor:
        below, call = self._below if state_BTH is not None else (), self.layer.call
        # A layer that several blocks share is not called in those that are left out.
        skipped = sum(call.module in set(each.module.modules()) for each in below)
        call = ModuleCall(call.module, call.number - skipped)
        with _answered(below, state_BTH), _only_kept(call, kept, self._mean_I):
            return self.trunk.at(inputs, asked_BT)[-1]

    def _can_go_on_from(self, below: tuple[ModuleCall, ...]) -> bool:
        """Whether the pass is the same, twice, when the blocks below answer with their last state.

        A connection that skips blocks, or a block that writes over its input, would change it. It
        is tried with all parts kept and with none.
        """
        inputs = smallest_input(self.trunk.model, self.trunk.length)
        ids_BT = inputs["input_ids"]
        inputs["input_ids"] = torch.arange(ids_BT.shape[1], device=ids_BT.device)[None] % (
            self.trunk.model.config.vocab_size
        )
        asked_BT = torch.ones_like(ids_BT, dtype=torch.bool)
        all_I = torch.ones(self.layer.width, device=ids_BT.device)
        self._below = below
        try:
            whole_NH, state_BTH = self._whole(inputs, asked_BT)
            again = [self._again(inputs, asked_BT, all_I, state_BTH) for _ in range(2)]
            none, expected = (
                self._again(inputs, asked_BT, 0 * all_I, each) for each in (state_BTH, None)
            )
        except Exception:  # what a model does with a replaced block is its own affair
            return False
        finally:
            self._below = ()
        return torch.equal(none, expected) and all(torch.equal(one, whole_NH) for one in again)


@contextmanager
def _answered(below: Sequence[ModuleCall], state_BTH: Tensor | None) -> Iterator[None]:
    """Within the block, the calls `below` answer with `state_BTH` and compute nothing."""
    numbers: dict[nn.Module, set[int]] = {}
    for call in below:
        numbers.setdefault(call.module, set()).add(call.number)
    with ExitStack() as stack:
        for module, answered in numbers.items():
            count = stack.enter_context(counted_calls(module))
            own = module.forward

            def forward(
                *args: Any,
                _own: Any = own,
                _count: list[int] = count,
                _answered: set[int] = answered,
                **kwargs: Any,
            ) -> Any:
                return state_BTH if _count[0] in _answered else _own(*args, **kwargs)

            stack.enter_context(forward_replaced(module, forward))
        yield


@contextmanager
def _only_kept(call: ModuleCall, kept: Tensor, mean_I: Tensor | None) -> Iterator[None]:
    """Within the block, `call` is given what is `kept` of its input, and nothing of the rest."""
    with counted_calls(call.module) as count:

        def silence(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Any, ...] | None:
            if count[0] != call.number:
                return None
            said, *rest = args
            base = 0 if mean_I is None else mean_I
            said = said - base
            said = said * kept if kept.dim() == 1 else (said @ kept) @ kept.T
            return (said + base, *rest)

        hook = call.module.register_forward_pre_hook(silence)
        try:
            yield
        finally:
            hook.remove()


@torch.no_grad()
def said_at(
    trunk: Trunk, layer: WritingLayer, inputs: dict[str, Tensor], asked_BT: Tensor
) -> Tensor:
    """What the parts say at the asked positions, side by side: shape (N, I).

    The trunk may end at the layer's block, so that nothing above it is computed.
    """
    trunk.prepare()  # or its experiments would be heard as well
    said: list[Tensor] = []
    with counted_calls(layer.call.module) as count:

        def keep(_: nn.Module, args: tuple[Tensor, ...]) -> None:
            if count[0] == layer.call.number:
                said.append(args[0])

        hook = layer.call.module.register_forward_pre_hook(keep)
        try:
            trunk.at(inputs, asked_BT)
        finally:
            hook.remove()
    (said_BTI,) = said
    if said_BTI.shape[:2] != asked_BT.shape:  # the last block is computed where it is asked alone
        return said_BTI[0]
    return said_BTI.flatten(0, 1)[asked_BT.flatten().to(said_BTI.device)]


def one_kept(layer: WritingLayer, parts: Sequence[int]) -> Tensor:
    """The mask (I,) that keeps the parts of these numbers, from 0."""
    mask_UK = torch.zeros(layer.num_parts, layer.size)
    mask_UK[list(parts)] = 1
    return mask_UK.flatten()


def random_directions(layer: WritingLayer, num: int, *, seed: int) -> Tensor:
    """Random subspaces as wide as the parts, at right angles to each other: (num, I, K).

    They are the columns of one random rotation of what all parts say, drawn evenly from all
    rotations (QR of a Gaussian matrix, signs of the diagonal taken out; Mezzadri 2007).
    """
    generator = torch.Generator().manual_seed(seed)
    drawn_II = torch.randn(layer.width, layer.width, generator=generator, dtype=torch.float64)
    rotation_II, upper_II = torch.linalg.qr(drawn_II)
    rotation_II = rotation_II * upper_II.diagonal().sign()
    columns_IUK = rotation_II.float().unflatten(1, (layer.num_parts, layer.size))
    return columns_IUK[:, :num].permute(1, 0, 2).contiguous()
