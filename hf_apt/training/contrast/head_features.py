"""What the last layer of a classifier reads, caught in the passes that a Trainer makes anyway."""
# N texts or tokens of a batch, H units, C classes.

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


class HeadFeatures:
    """The inputs of the linear layer that gives a classifier's logits, with their gradients.

    Args:
        model: a classifier whose `config.num_labels` is the number of its classes.

    Raises:
        ValueError: where no linear layer has an output for each label.
    """

    def __init__(self, model: nn.Module):
        num_labels = getattr(getattr(model, "config", None), "num_labels", None)
        heads = [
            each
            for each in model.modules()
            if isinstance(each, nn.Linear) and each.out_features == num_labels
        ]
        if not heads:
            raise ValueError(
                f"no linear layer of {type(model).__name__} has an output for each of its "
                f"{num_labels} labels: a contrast of classes is for classifiers that end in one."
            )
        self._caught: list[tuple[nn.Linear, Tensor, Tensor]] = []
        self._hooks = [each.register_forward_hook(self._catch) for each in heads]

    def of(
        self, logits: Float[Tensor, "*batch classes"]
    ) -> tuple[Float[Tensor, "*batch width"], Float[Tensor, "classes width"]]:
        """What the layer read when it gave these logits, and the weights of the layer.

        What was caught before is forgotten. Raises ValueError for logits that it has not given.
        """
        for head, inputs, outputs in reversed(self._caught):
            if outputs.shape == logits.shape and torch.equal(outputs.float(), logits.float()):
                self._caught = []
                return inputs, head.weight
        raise ValueError(
            "the logits are not those of a last linear layer: a contrast of classes is for "
            "classifiers that end in one."
        )

    def forget(self) -> None:
        """Let go of what was caught."""
        self._caught = []

    def remove(self) -> None:
        """Let go of what was caught, and of the model: nothing is caught any more."""
        self.forget()
        for hook in self._hooks:
            hook.remove()

    def _catch(self, head: Any, inputs: tuple[Tensor, ...], outputs: Tensor) -> None:
        if head.training:
            self._caught.append((head, inputs[0], outputs))
