"""Multi-choice cloze: is the token the right one, and if not, which of K - 1 others is?

Xu et al. 2020, "MC-BERT: Efficient Language Pre-Training via a Meta Controller", arXiv 2006.05744.
Ours, from the paper's equations.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hf_apt.training.objective import Step, Term
from hf_apt.training.selection.head_objective import HeadObjective


@dataclass(frozen=True, kw_only=True)
class MultiChoice(HeadObjective):
    """At each token, K answers: to reject all others, or one of K - 1 that the generator has drawn.

    Where the token that is shown was replaced, the original is among the others, once, and right.
    Elsewhere rejection is right, and neither the original nor, anywhere, the token that is shown is
    among the others. All tokens that are no padding are asked; the term is their mean over the
    whole step. For a `SelectionForPreTraining` with that head, whose generator then answers at
    every position.

    Raises:
        ValueError: for a weight that is negative or no number.
    """

    name: str = field(default="multi_choice", init=False)
    """`multi_choice`, under which the loss is logged, in nats a token."""

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The loss of one batch.

        Args:
            step: the batch, after its pass.

        Returns:
            The sum over its tokens, in nats.

        Raises:
            ValueError: for a batch whose candidates nothing was drawn for.
        """
        from hf_apt.training.selection.selection_losses import choice_losses
        from hf_apt.training.selection.selection_step import of_head, present, replaced

        scores_BTK = of_head(self, step.outputs, "choice_scores")
        right_BT = replaced(step.outputs, step.inputs).long()  # the original is the second answer
        total = choice_losses(scores_BTK, right_BT)[present(step.inputs)].sum()
        return (Term(name=self.name, total=total, num_items=step.num_items, weight=self.weight),)
