"""One pass over images that gives a vector for each depth, pooled as the model pools at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hf_apt.analysis.images.blocks import classifier_parts, first_tensor, logits_of
from hf_apt.depths.forward_override import forward_replaced
from hf_apt.depths.model_calls import evaluating

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class BatchReading:
    """What one batch of images gives at every depth; lists are by depth."""

    pooled: list[Tensor]
    """Vectors (B, W) as the last layer takes them, W by depth; where the model's end takes no state
    of that shape, means over positions."""

    means: list[Tensor]
    """Means (B, W) of the state over all its positions."""

    logits: list[Tensor | None]
    """The model's own logits (B, C) from the state of that depth; None where its end takes none."""


class ImageDepths:
    """An image classifier, read at every depth.

    The model's end, from its last block to its logits, is given the state of each depth that has
    the shape of the last one. So depths of a transformer are normalised, pooled and classified by
    the model's own code. States of other shapes, of earlier stages, are averaged over positions.

    Args:
        model: an image classifier of transformers.
        pixels_BCHW: some images, as the model takes them, on its device.

    Raises:
        ValueError: for a model whose blocks are not found (`classifier_parts`).
    """

    def __init__(self, model: PreTrainedModel, pixels_BCHW: Tensor):
        self._model = model
        parts = classifier_parts(model, pixels_BCHW)
        self._modules = tuple(block.module for block in parts.blocks)
        self._heads = parts.heads
        self.names: tuple[str, ...] = tuple(block.name for block in parts.blocks)
        """The depths: `embeddings`, then `block 1` or, of a network of stages, `block 1.1`."""
        self._ends_here = False
        self._ends_here = self._is_end(pixels_BCHW)
        self.pools_all: bool = self._is_mean(pixels_BCHW)
        """Whether the model's end treats all positions alike, as a mean does and [CLS] does not."""

    @torch.no_grad()
    def read(self, pixels_BCHW: Tensor) -> BatchReading:
        """The vectors and own logits of some images at every depth.

        Args:
            pixels_BCHW: images as the model takes them, shape (B, channels, height, width).

        Returns:
            Lists over depths, all on the model's device.
        """
        with evaluating(self._model):
            outputs, vectors, logits = self._pass(pixels_BCHW)
            states = [first_tensor(outputs[module]) for module in self._modules]
            means = [_mean(state) for state in states]
            pooled: list[Tensor] = list(means)
            own: list[Tensor | None] = [None] * len(states)
            pooled[-1], own[-1] = vectors, logits
            for depth, state in enumerate(states[:-1]):
                if self._ends_here and state.shape == states[-1].shape:
                    pooled[depth], own[depth] = self._end(pixels_BCHW, outputs, state)
        return BatchReading(pooled, means, own)

    def _pass(self, pixels_BCHW: Tensor) -> tuple[dict[nn.Module, Any], Tensor, Tensor]:
        """What each block's module returned, the vectors of the last layers, and the logits."""
        outputs: dict[nn.Module, Any] = {}

        def keep(module: nn.Module, _: Any, output: Any) -> None:
            outputs[module] = output

        with ExitStack() as stack:
            for module in self._modules:
                stack.callback(module.register_forward_hook(keep).remove)
            vectors, logits = self._answer(pixels_BCHW)
        return outputs, vectors, logits

    def _answer(self, pixels_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """What the last layers are given, side by side, and the logits."""
        with _inputs_of(self._heads) as given:
            logits = logits_of(self._model(pixel_values=pixels_BCHW, return_dict=True))
        assert logits is not None, "classifier_parts has seen them"
        vectors = [given[head].flatten(1) for head in self._heads]
        distinct = [v for i, v in enumerate(vectors) if not any(v is u for u in vectors[:i])]
        return torch.cat(distinct, dim=1), logits

    def _end(
        self, pixels_BCHW: Tensor, outputs: dict[nn.Module, Any], state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What the model makes of `state` in place of its last block's; no block is run."""
        given = dict(outputs)
        given[self._modules[-1]] = _with_first(outputs[self._modules[-1]], state)
        with ExitStack() as stack:
            for module in self._modules:
                stack.enter_context(forward_replaced(module, _returning(given[module])))
            return self._answer(pixels_BCHW)

    @torch.no_grad()
    def _is_end(self, pixels_BCHW: Tensor) -> bool:
        """Whether the last block's state alone makes the logits, by experiment."""
        with evaluating(self._model):
            outputs, vectors, logits = self._pass(pixels_BCHW)
            state = first_tensor(outputs[self._modules[-1]])
            again = self._end(pixels_BCHW, outputs, state)
            # A reversed state, which no normalisation undoes.
            other = self._end(pixels_BCHW, outputs, state.flip(-1 if state.dim() == 3 else 1))
        is_same = _are_close(again[0], vectors) and _are_close(again[1], logits)
        return is_same and not torch.equal(other[0], vectors)

    @torch.no_grad()
    def _is_mean(self, pixels_BCHW: Tensor) -> bool:
        """Whether the end makes the same vectors of the last state with its positions reversed."""
        if not self._ends_here:
            return False
        with evaluating(self._model):
            outputs, vectors, _ = self._pass(pixels_BCHW)
            state = first_tensor(outputs[self._modules[-1]])
            positions = (1,) if state.dim() == 3 else (2, 3)
            reversed_, _ = self._end(pixels_BCHW, outputs, state.flip(positions))
        return _are_close(reversed_, vectors)


def _are_close(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal but for rounding, by the size of their largest number."""
    return bool((one - other).abs().max() <= 1e-4 * other.abs().max())


def _mean(state: Tensor) -> Tensor:
    """Means (B, W) over positions of states (B, T, W), or of maps (B, W, height, width)."""
    return state.mean(dim=1) if state.dim() == 3 else state.mean(dim=(2, 3))


def _with_first(output: Any, state: Tensor) -> Any:
    if isinstance(output, tuple | list):
        return type(output)([state, *output[1:]])
    return state


def _returning(output: Any) -> Any:
    return lambda *_, **__: output


@contextmanager
def _inputs_of(heads: Sequence[nn.Module]) -> Iterator[dict[nn.Module, Tensor]]:
    """Within the block, what each of `heads` is given is kept by module."""
    given: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, inputs: Any) -> None:
        given[module] = inputs[0]

    with ExitStack() as stack:
        for head in heads:
            stack.callback(head.register_forward_pre_hook(keep).remove)
        yield given
