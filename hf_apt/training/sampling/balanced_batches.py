"""Batches in which classes are about equally frequent, for any Trainer.

The question is that of arXiv 2112.05958, which its authors have withdrawn; of its algorithm nothing
is taken. Ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import TrainerCallback


@dataclass(frozen=True, kw_only=True)
class BalancedBatches:
    """The training examples are read in an order that spreads the classes evenly over batches.

    An epoch stays as long as it is; rare examples come several times in it, and of frequent classes
    only a part. The order is that of `hf_apt.training.sampling.balanced_order` by the Trainer's
    seed and the epoch, so that it does not depend on accumulation steps and processes; it takes the
    place of any grouping by length.

    Raises:
        ValueError: for a strength outside of [0, 1].
    """

    name: str = field(default="balanced_batches", init=False)
    """`balanced_batches`."""

    strength: float = 1.0
    """How even classes are, from 0, which leaves the Trainer's own order, to 1, where all are
    equally frequent: shares are in proportion to n^(1 - strength)."""

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(
                f"the strength of {self.name} is {self.strength}: give a number from 0, which "
                "leaves the order as it is, to 1, where all classes are equally frequent."
            )

    def callback(self) -> TrainerCallback:
        """The callback that changes the order as a training begins.

        Returns:
            A fresh callback, for one Trainer.
        """
        from hf_apt.training.sampling.balanced_sampler import BalancedBatchesCallback

        return BalancedBatchesCallback(self.name, self.strength)
