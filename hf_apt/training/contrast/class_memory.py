"""The latest features of each class, as many of every one."""
# N examples, H units.

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor


class ClassMemory:
    """For each class the features of its latest examples, without a gradient, in float32.

    Args:
        num_classes: number of classes.
        size: largest number of features of each class.
    """

    def __init__(self, num_classes: int, size: int):
        self.size = size
        self._features: list[Tensor | None] = [None] * num_classes

    def add(self, features_NH: Float[Tensor, "n width"], labels_N: Int[Tensor, " n"]) -> None:
        """Remember these; of a class that has too many by then, the first are forgotten."""
        features_NH = features_NH.detach().float().cpu()
        for label in labels_N.unique().tolist():
            new = features_NH[labels_N.cpu() == label]
            old = self._features[label]
            self._features[label] = (new if old is None else torch.cat([old, new]))[-self.size :]

    def of(self, label: int, width: int) -> Float[Tensor, "remembered width"]:
        """The features of a class, oldest first; none where it has not been met."""
        features = self._features[label]
        return torch.zeros(0, width) if features is None else features

    def arrays(self) -> dict[str, Tensor]:
        """What is remembered, by names, for a file."""
        return {
            f"class_{label}": features.contiguous()
            for label, features in enumerate(self._features)
            if features is not None
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Tensor], num_classes: int, size: int) -> Self:
        """The memory that gave these arrays."""
        memory = cls(num_classes, size)
        memory._features = [arrays.get(f"class_{label}") for label in range(num_classes)]
        return memory
