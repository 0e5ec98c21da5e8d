"""Confidence penalty: answers of low entropy are penalised.

Pereyra et al. 2017, "Regularizing Neural Networks by Penalizing Confident Output Distributions",
arXiv 1701.06548, equation 2: the loss is the cross-entropy minus beta times the entropy of the
predicted distribution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hf_apt.training.objective import (
    Step,
    Term,
    asked_logits,
    num_asked,
    require_weight,
    weighted_sum,
)

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class ConfidencePenalty:
    """The negative entropy of the answers, in nats: from -ln(classes) to 0.

    Its mean over asked positions of a masked LM, or over texts of a classifier. Deterministic, and
    without another forward pass. Raises ValueError for a weight that is negative or no number.
    """

    name: str = field(default="confidence_penalty", init=False)
    """`confidence_penalty`, under which it is logged."""

    weight: float
    """Weight of the penalty, the paper's beta."""

    def __post_init__(self) -> None:
        require_weight(self)

    def count(self, inputs: Mapping[str, Any]) -> Tensor:
        """The number of labels other than -100."""
        return num_asked(inputs)

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The sum of p ln p over classes and asked rows of the batch, in float32."""
        logits_NC, asked_N = asked_logits(step.outputs, step.inputs)
        log_p_NC = logits_NC.log_softmax(dim=-1)
        negative_N = (log_p_NC.exp() * log_p_NC).sum(dim=-1)
        return (
            Term(
                name=self.name,
                total=weighted_sum(negative_N.masked_fill(~asked_N, 0.0), step),
                num_items=step.num_items,
                weight=self.weight,
            ),
        )
