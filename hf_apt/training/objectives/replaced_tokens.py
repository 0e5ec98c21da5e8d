"""Replaced-token detection: which tokens of a text has a generator put there?

Clark et al. 2020, "ELECTRA", arXiv 2003.10555. Ours, from the paper's equations.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hf_apt.training.objective import Step, Term
from hf_apt.training.selection.head_objective import HeadObjective


@dataclass(frozen=True, kw_only=True)
class ReplacedTokens(HeadObjective):
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
