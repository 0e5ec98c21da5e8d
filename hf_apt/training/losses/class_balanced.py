"""Cross-entropy whose classes are weighted by their effective number of examples.

Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples", arXiv 1901.05555. Ours,
from the paper's equations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class ClassBalanced:
    """Each example's cross-entropy times the weight of its class.

    The n examples of a class count as E = (1 - beta^n) / (1 - beta) effective ones; the weight of a
    class is in proportion to 1 / E, and all weights sum to the number of classes, as in the paper.
    At beta = 0 all are 1; towards beta = 1 they go as 1 / n.

    Raises:
        ValueError: for a beta outside of [0, 1).
    """

    name: str = field(default="class_balanced", init=False)
    """`class_balanced`."""

    beta: float
    """Share of an example that the next one of its class repeats, in [0, 1); the paper has 0.9 to
    0.9999. With 0 it is the cross-entropy."""

    def __post_init__(self) -> None:
        if not 0 <= self.beta < 1:
            raise ValueError(
                f"the beta of {self.name} is {self.beta}: give a number from 0, which is the "
                "cross-entropy, to below 1, as 0.999."
            )

    @property
    def is_plain(self) -> bool:
        """Whether beta is 0."""
        return self.beta == 0

    @property
    def needs_counts(self) -> bool:
        """True."""
        return True

    def weights(self, counts_C: Float[Tensor, " classes"]) -> Float[Tensor, " classes"]:
        """The weight of each class.

        Args:
            counts_C: the number of training examples of each class.

        Returns:
            Weights, whose sum is the number of classes.
        """
        if self.is_plain:
            return counts_C.new_ones(len(counts_C))
        # 1 - beta^n without cancellation, in float64: beta may be within 1e-8 of 1.
        inverse_C = -1 / (counts_C.double() * math.log(self.beta)).expm1()
        return (inverse_C * (len(counts_C) / inverse_C.sum())).to(counts_C.dtype)

    def each(
        self,
        logits_NC: Float[Tensor, "n classes"],
        labels_N: Int[Tensor, " n"],
        counts_C: Float[Tensor, " classes"],
    ) -> Float[Tensor, " n"]:
        """The weighted cross-entropy of each example.

        Args:
            logits_NC: a row of logits for each example, float32 or float64.
            labels_N: the class of each example.
            counts_C: the number of training examples of each class.

        Returns:
            A loss for each example, in nats.
        """
        from torch.nn.functional import cross_entropy

        return (
            cross_entropy(logits_NC, labels_N, reduction="none") * self.weights(counts_C)[labels_N]
        )
