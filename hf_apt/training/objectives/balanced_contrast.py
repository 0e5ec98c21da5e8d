"""Each example is drawn to its class and away from others, as many of every class however rare.

Following Li et al., "Simple-Sampling and Hard-Mixup with Prototypes to Rebalance Contrastive
Learning for Text Classification" (SharpReCL, WWW 2026), whose public code is not what the paper
says. Ours, from the idea.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from hf_apt.stats.config_checks import require_positive, require_whole
from hf_apt.training.objective import (
    InTrainingOnly,
    Step,
    Term,
    TrainingSetup,
    num_asked,
    require_weight,
)

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class BalancedContrast(InTrainingOnly):
    """A contrastive loss among prototypes and, for each class, as many features of it and others.

    A class's prototype is its row in the classifier's last layer, and an example's feature what
    that layer reads of it; both are compared by cosine. Sets are made anew in every step of
    features that are remembered from the steps before, and of prototypes: some as they are, and a
    growing share mixed of two that are hard to tell (`hf_apt.training.contrast.contrastive_set`).
    An example's loss is the mean over its prototype and the positives of its class of minus the log
    softmax of cosine / temperature.

    For classifiers of texts or tokens that end in a linear layer. There is no further pass; the
    memory is in every checkpoint. It replaces neither the cross-entropy nor its weights by class:
    `--loss logit_adjusted` beside it is what the paper has.

    Raises:
        ValueError: for settings out of range.
    """

    lacks: ClassVar[str] = "has no memory"

    name: str = field(default="balanced_contrast", init=False)
    """`balanced_contrast`, under which the contrastive loss is logged, in nats an item."""

    weight: float
    """Weight of the contrastive loss. With 0 nothing is caught or remembered."""

    temperature: float = 0.3
    """What cosines are divided by."""

    num_positives: int = 20
    """Features of its own class that an example is contrasted with, beside the prototype."""

    num_negatives: int = 60
    """Features of other classes, beside their prototypes."""

    hardest: int = 20
    """Among how many hardest features two are chosen to be mixed."""

    mix: float = 0.5
    """Both parameters of the Beta distribution of a mix's shares."""

    hard_share: float = 0.5
    """Share of mixes in the sets at the first step, from where it grows linearly to 1."""

    memory: int = 64
    """Features that are remembered of each class."""

    def __post_init__(self) -> None:
        require_weight(self)
        require_positive(self, "temperature", "mix")
        require_whole(self, "num_positives", "num_negatives", "hardest", "memory")
        if not 0 <= self.hard_share <= 1:
            raise ValueError(
                f"the hard_share of {self.name} is {self.hard_share}: give a number from 0 to 1."
            )

    def count(self, inputs: Mapping[str, Any]) -> Tensor:
        """The number of labels other than -100.

        Args:
            inputs: a batch with labels.

        Returns:
            A whole number, as a scalar.
        """
        return num_asked(inputs)

    def in_training(self, setup: TrainingSetup) -> Callable[[Step], tuple[Term, ...]]:
        """The term with its memory, for a Trainer of a classifier.

        Args:
            setup: the training of a classifier.

        Returns:
            What a Trainer calls in place of the objective, and lets know of its events.

        Raises:
            ValueError: for a model that does not end in a linear layer with its labels.
        """
        from hf_apt.training.contrast.balanced_term import BalancedTerm

        return BalancedTerm(self, setup.model)
