"""What objectives share that train one head of a discriminator."""
# Imported for the command line: without torch.

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from hf_apt.training.objective import Step, Term, TrainingSetup, require_weight

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class HeadObjective(ABC):
    """An objective for a `SelectionForPreTraining` that has the head of the objective's name."""

    name: str = field(init=False)
    """Name of the objective and of the head."""

    weight: float
    """Weight of the loss beside the generator's."""

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

    def in_training(self, setup: TrainingSetup) -> Self:
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

    @abstractmethod
    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The loss of the head for one batch."""
