"""Multi-word selection: which of K candidates stood at a masked position?

Shen et al. 2021, "Training ELECTRA Augmented with Multi-word Selection" (TEAMS), arXiv 2106.00139.
Ours, from the paper's equations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hf_apt.training.objective import Step, Term, num_asked
from hf_apt.training.selection.head_objective import HeadObjective

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class WordSelection(HeadObjective):
    """At each masked position, the true token among K - 1 others that the generator has drawn.

    Candidates are all different, and the true one is among them once. The discriminator reads the
    text with the generator's samples in it. The term is the mean over the masked positions of the
    whole step. For a `SelectionForPreTraining` with that head.

    Raises:
        ValueError: for a weight that is negative or no number.
    """

    name: str = field(default="word_selection", init=False)
    """`word_selection`, under which the loss is logged, in nats a masked position."""

    def count(self, inputs: Mapping[str, Any]) -> Tensor | int:
        """The number of masked positions.

        Args:
            inputs: a batch with labels.

        Returns:
            The number of labels other than -100.
        """
        return num_asked(inputs)

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The loss of one batch.

        Args:
            step: the batch, after its pass.

        Returns:
            The sum over its masked positions, in nats.

        Raises:
            ValueError: for a batch whose candidates nothing was drawn for.
        """
        from hf_apt.training.selection.selection_losses import choice_losses
        from hf_apt.training.selection.selection_step import asked_rows, of_head

        losses_N = choice_losses(of_head(self, step.outputs, "candidate_scores"))
        total = losses_N[asked_rows(step.inputs)].sum()
        return (Term(name=self.name, total=total, num_items=step.num_items, weight=self.weight),)
