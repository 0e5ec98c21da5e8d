"""The cross-entropy of the types, as an objective beside that of being a mention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from hf_apt.spans.span_model import type_loss
from hf_apt.stats.counts import NOT_ASKED
from hf_apt.training.objective import Step, Term, require_weight


@dataclass(frozen=True, kw_only=True)
class TypeLoss:
    """The cross-entropy of a `SpanModel`'s types, over the mentions of an optimiser step.

    Raises ValueError for a weight that is negative or no number.
    """

    name: str = field(default="type_loss", init=False)
    """`type_loss`, under which it is logged, in nats a mention."""

    weight: float = 1.0
    """Weight beside the cross-entropy of being a mention; 1 in arXiv 2205.11799."""

    per_row: bool = False
    """Divide by all rows, as where both are one choice, and not by mentions."""

    def __post_init__(self) -> None:
        require_weight(self)

    def count(self, inputs: Mapping[str, Any]) -> Tensor:
        """The number of mentions, or of rows."""
        types = inputs["type_labels"]
        return (types != NOT_ASKED).sum() if not self.per_row else (types == types).sum()

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The one term: 0, with a gradient of 0, where a batch has no mention."""
        total = type_loss(step.outputs["type_logits"], step.inputs["type_labels"])
        return (Term(name=self.name, total=total, num_items=step.num_items, weight=self.weight),)
