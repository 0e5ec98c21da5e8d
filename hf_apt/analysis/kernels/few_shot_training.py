"""Plain fine-tuning of a logits function on a few texts: the arms that kernels stand for."""
# O: outputs.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from hf_apt.analysis.kernels.logits_function import LogitsFunction, Row

Optimiser = Literal["sgd", "adam"]
"""What takes the steps: plain gradient descent, or Adam without weight decay."""


@dataclass(frozen=True)
class FewShotTraining:
    """How a function is trained on a few texts."""

    optimiser: Optimiser
    """What takes the steps."""

    learning_rate: float
    """Constant."""

    num_steps: int = 60
    """Steps."""

    batch_size: int = 8
    """Texts of a step."""

    seed: int = 42
    """Seed of the order."""


def train_function(
    function: LogitsFunction, rows: Sequence[Row], labels_I: np.ndarray, training: FewShotTraining
) -> None:
    """Train the model of `function` in place, by the cross-entropy of its outputs.

    The model stays in evaluation mode: dropout is no part of a kernel.

    Args:
        function: the outputs; its model's trained parameters are changed.
        rows: the training texts.
        labels_I: their classes.
        training: how it is trained.

    Raises:
        FloatingPointError: where the loss is no longer finite.
    """
    parameters = [each for each in function.model.parameters() if each.requires_grad]
    make: Any = torch.optim.SGD if training.optimiser == "sgd" else torch.optim.Adam
    optimiser = make(parameters, lr=training.learning_rate)
    generator = np.random.default_rng(training.seed)
    order: list[int] = []
    for step in range(1, training.num_steps + 1):
        if len(order) < min(training.batch_size, len(rows)):
            order += generator.permutation(len(rows)).tolist()
        places, order = order[: training.batch_size], order[training.batch_size :]
        loss = output_loss(
            function(function.batch([rows[place] for place in places])),
            torch.as_tensor(labels_I[places], device=function.model.device),
        )
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss of step {step} is {loss.item()} with {training.optimiser} at a learning "
                f"rate of {training.learning_rate}: take a smaller one."
            )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def output_loss(outputs_BO: Float[Tensor, "B O"], labels_B: Tensor) -> Tensor:
    """The mean cross-entropy of the classes; of a single output, of its sign."""
    if outputs_BO.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(
            outputs_BO[:, 0], labels_B.to(outputs_BO.dtype)
        )
    return functional.cross_entropy(outputs_BO, labels_B)
