"""Logits are shifted by the frequency of their class while training, so that rare ones stand out.

Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314: the loss of its
section 5. At tau = 1 it is the balanced softmax of Ren et al. 2020, arXiv 2007.10740, which adds
ln n where this adds ln(n / N): the softmax does not see a constant. Ours, from the papers'
equations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class LogitAdjusted:
    """The cross-entropy of logits to which tau times the log of the class's frequency is added.

    Answers are read off the logits as they are: the model has learnt them as if classes were
    equally frequent. `hf_apt.stats.classes.logit_adjustment` is the same after training.

    Raises:
        ValueError: for a tau that is negative or no number.
    """

    name: str = field(default="logit_adjusted", init=False)
    """`logit_adjusted`."""

    tau: float = 1.0
    """Factor of the log frequency, at least 0; 1 is the paper's, and the balanced softmax. With 0
    it is the cross-entropy."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tau) and self.tau >= 0):
            raise ValueError(
                f"the tau of {self.name} is {self.tau}: give a finite number of at least 0, where "
                "0 is the cross-entropy."
            )

    @property
    def is_plain(self) -> bool:
        """Whether tau is 0."""
        return self.tau == 0

    @property
    def needs_counts(self) -> bool:
        """True."""
        return True

    def each(
        self,
        logits_NC: Float[Tensor, "n classes"],
        labels_N: Int[Tensor, " n"],
        counts_C: Float[Tensor, " classes"],
    ) -> Float[Tensor, " n"]:
        """The cross-entropy of the shifted logits of each example.

        Args:
            logits_NC: a row of logits for each example, float32 or float64.
            labels_N: the class of each example.
            counts_C: the number of training examples of each class.

        Returns:
            A loss for each example, in nats.
        """
        from torch.nn.functional import cross_entropy

        shifted_NC = logits_NC + self.tau * (counts_C / counts_C.sum()).log()
        return cross_entropy(shifted_NC, labels_N, reduction="none")
