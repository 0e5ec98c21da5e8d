"""An average of a model's weights over the steps of a training, kept in float32 beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file, save
from torch import Tensor
from torch.func import functional_call

from hf_apt.atomic import writing


class RunningAverage:
    """Averages of the weights that are trained, and copies of the buffers; all else is the model's.

    The averages share no memory with the model. An adapted model has its adapter averaged alone.
    """

    def __init__(self, weights: dict[str, Tensor], buffers: dict[str, Tensor]):
        self.weights = weights
        self.buffers = buffers

    @classmethod
    @torch.no_grad()
    def of(cls, model: Any) -> Self:
        """The average that begins with the weights of `model` as they are."""
        weights = {name: each.float().clone() for name, each in _trained(model).items()}
        return cls(weights, {name: each.clone() for name, each in model.named_buffers()})

    @torch.no_grad()
    def update(self, model: Any, momentum: float) -> None:
        """The average becomes `momentum` times itself plus the rest times the model's weights.

        With 0 it is a copy of the model, with 1 it stays as it is, both to the bit. Buffers are
        copied. `model` has the weights' names that the average began with.
        """
        for name, each in _trained(model).items():
            self.weights[name].lerp_(each.float(), 1 - momentum)
        for name, each in model.named_buffers():
            self.buffers[name].copy_(each)

    def answer(self, model: Any, inputs: Mapping[str, Any]) -> Any:
        """What `model` would answer with the averages for its own weights, in its own precision."""
        dtypes = {name: each.dtype for name, each in model.named_parameters()}
        weights = {name: each.to(dtypes[name]) for name, each in self.weights.items()}
        return functional_call(model, weights | self.buffers, kwargs=dict(inputs))

    @torch.no_grad()
    def write_into(self, model: Any) -> None:
        """Give `model` the averages for its own weights; its buffers stay as they are."""
        for name, each in _trained(model).items():
            each.copy_(self.weights[name])

    def save(self, path: Path) -> None:
        """Write the average to a file of safetensors, whole or not at all."""
        named = {f"weights.{name}": each for name, each in self.weights.items()}
        named |= {f"buffers.{name}": each for name, each in self.buffers.items()}
        with writing(path, "wb") as file:
            file.write(save({name: each.contiguous() for name, each in named.items()}))

    def load(self, path: Path) -> None:
        """Become the average that `save` has written.

        Raises ValueError where the file is missing, or is that of another model.
        """
        if not path.is_file():
            raise ValueError(
                f"{path} is missing, which holds the average of the weights: go on from a "
                "checkpoint in the Trainer's own folder that was saved with it, or begin anew."
            )
        saved = load_file(path)
        for kind, own in (("weights", self.weights), ("buffers", self.buffers)):
            for name, each in own.items():
                other = saved.get(f"{kind}.{name}")
                if other is None or other.shape != each.shape:
                    raise ValueError(f"{path} is of another model: it has no {name} of this shape.")
                each.copy_(other)


def _trained(model: Any) -> dict[str, Tensor]:
    return {name: each for name, each in model.named_parameters() if each.requires_grad}
