"""Proximal point: answers are to stay near those of an average of the weights so far.

Jiang et al. 2020, "SMART: Robust and Efficient Fine-Tuning for Pre-trained Natural Language Models
through Principled Regularized Optimization", arXiv 1911.03437, section 3.2: Bregman proximal point
optimisation with momentum. Ours, from the paper's equations; its other half is
`hf_apt.training.objectives.smoothness`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from hf_apt.stats.config_checks import require_whole
from hf_apt.training.adversary.answers import num_answers
from hf_apt.training.averages.shares import require_share_or_end
from hf_apt.training.objective import InTrainingOnly, Step, Term, TrainingSetup, require_weight

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Proximal(InTrainingOnly):
    """How far the answers are from those of a teacher: an average of the weights of past steps.

    The mean over texts, or over tokens with a label, of KL(p || q) + KL(q || p) between the answers
    p of the model and q of the teacher, to the texts as they are; in regression of the squared
    difference. The teacher begins as the model does. After a step it becomes `momentum` times
    itself plus the rest times the model. It is kept in float32, for the trained weights alone, and
    in every checkpoint; it answers without dropout, in the Trainer's precision, and has no
    gradient.

    A step takes one forward pass more, and the memory of the trained weights in float32. With a
    momentum of 0 and `update_every=1` the teacher is the model itself, and there is nothing to be
    near to: the paper's iteration without momentum takes several steps from one teacher,
    `update_every`.

    Raises:
        ValueError: for settings out of range.
    """

    lacks: ClassVar[str] = "has no teacher"

    name: str = field(default="proximal", init=False)
    """`proximal`, under which the divergence is logged, in nats an item."""

    weight: float
    """Weight of the divergence, the paper's mu. With 0 there is no teacher."""

    momentum: float = 0.99
    """The teacher's share in itself after a step, in [0, 1], the paper's beta; 0 copies the model,
    1 leaves the teacher as the model began."""

    update_every: int = 1
    """Steps after which the teacher follows."""

    def __post_init__(self) -> None:
        require_weight(self)
        require_share_or_end(self, "momentum")
        require_whole(self, "update_every")

    def count(self, inputs: Mapping[str, Any]) -> Tensor | int:
        """How many answers the term is a mean of.

        Args:
            inputs: a batch with labels.

        Returns:
            The number of texts or tokens with a label; of all texts in regression.
        """
        return num_answers(inputs)

    def in_training(self, setup: TrainingSetup) -> Callable[[Step], tuple[Term, ...]]:
        """The term with its teacher, who follows a model in training.

        Args:
            setup: the training.

        Returns:
            What gives the divergence of a batch, and a callback of the Trainer.

        Raises:
            ValueError: where the weights are shared out among processes.
        """
        from hf_apt.training.adversary.whole_weights import require_whole_weights
        from hf_apt.training.averages.proximal_term import ProximalTerm

        require_whole_weights(setup.args, self.name)
        return ProximalTerm(self)
