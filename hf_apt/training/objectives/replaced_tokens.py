"""Replaced-token detection: which tokens of a text has a generator put there?

Clark et al. 2020, "ELECTRA", arXiv 2003.10555. Ours, from the paper's equations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hf_apt.training.objective import Step, Term, TrainingSetup, require_weight

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class ReplacedTokens:
    """A yes or no at each token: was it replaced by a sample of the generator?

    A sample that happens to be the original is not replaced. All tokens that are no padding are
    asked, special ones included, and the term is their mean over the whole step. For a
    `SelectionForPreTraining` with that head; the plain loss is its generator's.

    Raises:
        ValueError: for a weight that is negative or no number.
    """

    name: str = field(default="replaced_tokens", init=False)
    """`replaced_tokens`, under which the loss is logged, in nats a token."""

    weight: float
    """Weight of the loss beside the generator's; 50 in the paper."""

    def __post_init__(self) -> None:
        require_weight(self)

    def count(self, inputs: Mapping[str, Any]) -> Tensor | int:
        """The number of tokens that are no padding.

        Args:
            inputs: a batch.

        Returns:
            A whole number.
        """
        from hf_apt.training.selection.selection_step import present

        return present(inputs).sum()

    def in_training(self, setup: TrainingSetup) -> ReplacedTokens:
        """Itself, for a model that has the head.

        Args:
            setup: the training.

        Returns:
            This objective, which keeps nothing from step to step.

        Raises:
            ValueError: for another model.
        """
        from hf_apt.training.selection.selection_step import require_head

        require_head(self, setup.model)
        return self

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The loss of one batch.

        Args:
            step: the batch, after its pass.

        Returns:
            The sum over its tokens, in nats.

        Raises:
            ValueError: for a batch whose samples nothing was drawn for.
        """
        from hf_apt.training.selection.selection_losses import detection_losses
        from hf_apt.training.selection.selection_step import of_head, present, replaced

        logits_BT = of_head(self, step.outputs, "detection_logits")
        losses_BT = detection_losses(logits_BT, replaced(step.outputs, step.inputs))
        total = losses_BT[present(step.inputs)].sum()
        return (Term(name=self.name, total=total, num_items=step.num_items, weight=self.weight),)
