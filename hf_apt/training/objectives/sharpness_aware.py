"""Sharpness-aware minimisation: gradients are those at the worst weights nearby.

Foret et al. 2021, "Sharpness-Aware Minimization for Efficiently Improving Generalization", arXiv
2010.01412, algorithm 1; of language models, Bahri et al. 2022, arXiv 2110.08529. Ours, from the
paper's equations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hf_apt.training.objective import Step, Term, TrainingSetup, require_weight


@dataclass(frozen=True, kw_only=True)
class SharpnessAware:
    """Each step takes the gradient at the weights plus `weight` times the unit gradient at them.

    It adds no term to the loss: what is minimised is the loss, and the terms of other objectives,
    at the worst weights within a ball of that radius, to first order. Both passes have the same
    dropout; what is logged is of the first. A step takes about twice the time, and memory for a
    copy of the trained weights. With several processes the ball is that of the whole batch.

    Raises:
        ValueError: for a radius that is negative or no number.
    """

    name: str = field(default="sharpness_aware", init=False)
    """`sharpness_aware`."""

    weight: float
    """Radius of the ball in the root of the sum of squares of all trained weights, the paper's rho.
    With 0 there is no second pass."""

    def __post_init__(self) -> None:
        require_weight(self)

    def count(self, inputs: Mapping[str, Any]) -> int:
        """Nothing is counted for it.

        Args:
            inputs: a batch.

        Returns:
            0, as it has no term.
        """
        return 0

    def in_training(self, setup: TrainingSetup) -> Callable[[Step], tuple[Term, ...]]:
        """What goes around the steps of a model in training.

        Args:
            setup: the training.

        Returns:
            An `AroundStep` without a term.

        Raises:
            ValueError: where a step is made of several batches, or where the weights are shared out
                among processes.
        """
        from hf_apt.training.adversary.whole_weights import require_whole_weights
        from hf_apt.training.adversary.worst_weights import WorstWeights

        require_whole_weights(setup.args, self.name)
        num_batches = setup.args.gradient_accumulation_steps
        if num_batches > 1:
            raise ValueError(
                f"{self.name} goes twice over a whole batch, and gradient_accumulation_steps is "
                f"{num_batches}: set it to 1, with a smaller batch if need be."
            )
        return WorstWeights(self.weight)

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """No term.

        Args:
            step: the batch, after its forward pass.

        Returns:
            Nothing.
        """
        return ()
