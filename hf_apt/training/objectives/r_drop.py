"""R-Drop: two forward passes, each with dropout of its own, are to answer alike.

Liang et al. 2021, "R-Drop: Regularized Dropout for Neural Networks", arXiv 2106.14448. Ours, from
the paper's equations.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hf_apt.training.adversary.divergence import symmetric_kl
from hf_apt.training.objective import (
    Step,
    Term,
    TrainingSetup,
    asked_logits,
    num_asked,
    require_weight,
    weighted_sum,
)

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class RDrop:
    """The mean loss of two passes, plus `weight` times the divergence of their answers.

    With CE the plain loss, in passes 1 and 2, the loss of an item becomes
    (CE1 + CE2) / 2 + weight * (KL(1 || 2) + KL(2 || 1)) / 2. The paper has the sum of both,
    CE1 + CE2 + alpha * (KL(1 || 2) + KL(2 || 1)) / 2, which is twice this for weight = alpha / 2.
    Here the first part stays of the size of the plain loss.

    For classifiers and masked LMs, the divergence being taken at the asked positions. A step takes
    about twice the time, and memory for the activations of both passes. Gradients go through both.
    A model without any dropout, with which it does nothing, gets a warning as training is set up.

    Raises:
        ValueError: for a weight that is negative or no number.
    """

    name: str = field(default="r_drop", init=False)
    """`r_drop`, under which the divergence is logged, in nats an item."""

    weight: float
    """Weight of the divergence, half the paper's alpha. With 0 there is no second pass."""

    def __post_init__(self) -> None:
        require_weight(self)

    def count(self, inputs: Mapping[str, Any]) -> Tensor:
        """How many answers the divergence is a mean of.

        Args:
            inputs: a batch with labels.

        Returns:
            The number of labels other than -100.
        """
        return num_asked(inputs)

    def in_training(self, setup: TrainingSetup) -> RDrop:
        """Itself; with a warning for a model that answers alike in both passes.

        Args:
            setup: the training.

        Returns:
            This objective, which keeps nothing from step to step.
        """
        from hf_apt.training.adversary.any_dropout import has_dropout

        if not has_dropout(setup.model):
            kind = type(setup.model).__name__
            warnings.warn(
                f"{self.name} compares two draws of dropout, and {kind} has none: it does "
                "nothing, in twice the time; give the model some (--dropout 0.1), or leave out "
                f"{self.name}.",
                stacklevel=2,
            )
        return self

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """What the second pass of one batch adds.

        Args:
            step: the batch, after its first pass.

        Returns:
            The divergence, summed over the asked rows of the batch, in nats and float32; and
            `r_drop_second_pass`, half of the second plain loss minus the first.
        """
        loss, outputs = step.loss_and_outputs(step.inputs)
        first_NC, asked_N = asked_logits(step.outputs, step.inputs)
        second_NC, _ = asked_logits(outputs, step.inputs)
        divergence_N = symmetric_divergence(first_NC, second_NC)
        return (
            Term(
                name=self.name,
                total=weighted_sum(divergence_N.masked_fill(~asked_N, 0.0), step),
                num_items=step.num_items,
                weight=self.weight,
            ),
            Term(
                name=f"{self.name}_second_pass",
                total=(loss - step.loss) / 2,
                num_items=None,
                weight=1.0,
            ),
        )


def symmetric_divergence(
    first_NC: Float[Tensor, "n classes"], second_NC: Float[Tensor, "n classes"]
) -> Float[Tensor, " n"]:
    """(KL(p || q) + KL(q || p)) / 2 of the softmax of each row, in nats and float32."""
    return symmetric_kl(first_NC, second_NC) / 2
