"""The focal loss: examples that are answered rightly with confidence weigh less.

Lin et al. 2017, "Focal Loss for Dense Object Detection", arXiv 1708.02002. Ours, from the paper's
equation, with a softmax over classes in place of its sigmoids.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

_LEAST = 1e-12
"""Smallest 1 - p whose power has a gradient: at p = 1 that of a power below 1 is infinite."""


@dataclass(frozen=True, kw_only=True)
class Focal:
    """-(1 - p)^gamma ln p, with p the probability of the true class.

    Raises:
        ValueError: for a gamma that is negative or no number.
    """

    name: str = field(default="focal", init=False)
    """`focal`."""

    gamma: float
    """Power of 1 - p, at least 0; the paper has 2. With 0 it is the cross-entropy."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gamma) and self.gamma >= 0):
            raise ValueError(
                f"the gamma of {self.name} is {self.gamma}: give a finite number of at least 0, "
                "where 0 is the cross-entropy."
            )

    @property
    def is_plain(self) -> bool:
        """Whether gamma is 0."""
        return self.gamma == 0

    @property
    def needs_counts(self) -> bool:
        """False."""
        return False

    def each(
        self,
        logits_NC: Float[Tensor, "n classes"],
        labels_N: Int[Tensor, " n"],
        counts_C: Float[Tensor, " classes"],
    ) -> Float[Tensor, " n"]:
        """The focal loss of each example.

        Args:
            logits_NC: a row of logits for each example, float32 or float64.
            labels_N: the class of each example.
            counts_C: the number of training examples of each class, which do not matter.

        Returns:
            A loss for each example, in nats.
        """
        from torch.nn.functional import cross_entropy

        losses_N = cross_entropy(logits_NC, labels_N, reduction="none")
        missing_N = -(-losses_N).expm1()
        return missing_N.clamp(min=_LEAST) ** self.gamma * losses_N
