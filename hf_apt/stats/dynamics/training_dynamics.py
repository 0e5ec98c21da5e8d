"""The answers to a training's own examples, epoch after epoch, and what is read off them.

Swayamdipta et al. 2020, "Dataset Cartography: Mapping and Diagnosing Datasets with Training
Dynamics", arXiv 2009.10795, section 2.
"""
# E epochs, N training examples.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DynamicsRecord:
    """What was answered for each training example at the end of each epoch."""

    probability_EN: Float[np.ndarray, "epochs examples"]
    """Probability of each example's label in [0, 1]; NaN for an example without one."""

    is_right_EN: Bool[np.ndarray, "epochs examples"]
    """Whether the label was the most probable class."""

    step_E: Int[np.ndarray, " epochs"]
    """Step of the training at which each epoch was read."""

    @property
    def confidence_N(self) -> Float[np.ndarray, " examples"]:
        """The mean probability of the label over epochs, in [0, 1]."""
        return self.probability_EN.mean(axis=0)

    @property
    def variability_N(self) -> Float[np.ndarray, " examples"]:
        """The standard deviation of that probability over epochs (divided by E), in [0, 0.5]."""
        return self.probability_EN.std(axis=0)

    @property
    def correctness_N(self) -> Float[np.ndarray, " examples"]:
        """The share of epochs in which the label was the most probable class."""
        return self.is_right_EN.mean(axis=0)

    def to_pandas(self) -> pd.DataFrame:
        """The figures as a table.

        Returns:
            A row for each example, with `confidence`, `variability` and `correctness`.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "confidence": self.confidence_N,
                "variability": self.variability_N,
                "correctness": self.correctness_N,
            }
        )

    def until(self, step: int) -> DynamicsRecord:
        """The epochs that were read by then.

        Args:
            step: the last step that counts.

        Returns:
            A record with those epochs alone.
        """
        is_before_E = self.step_E <= step
        return DynamicsRecord(
            self.probability_EN[is_before_E],
            self.is_right_EN[is_before_E],
            self.step_E[is_before_E],
        )

    def with_epoch(
        self,
        probability_N: Float[np.ndarray, " examples"],
        is_right_N: Bool[np.ndarray, " examples"],
        step: int,
    ) -> DynamicsRecord:
        """The record with one more epoch.

        Args:
            probability_N: the probability of each example's label.
            is_right_N: whether that was the most probable class.
            step: the step at which it was read.

        Returns:
            A record that is longer by one epoch.
        """
        return DynamicsRecord(
            np.concatenate([self.probability_EN, probability_N[None]]),
            np.concatenate([self.is_right_EN, is_right_N[None]]),
            np.append(self.step_E, step),
        )

    @classmethod
    def empty(cls, num_examples: int) -> DynamicsRecord:
        """The record before the first epoch.

        Args:
            num_examples: training examples N.

        Returns:
            A record without epochs.
        """
        shape = (0, num_examples)
        return cls(np.zeros(shape, np.float32), np.zeros(shape, bool), np.zeros(0, np.int64))
