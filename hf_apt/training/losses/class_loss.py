"""What a loss of classes is: a frozen configuration of what replaces the cross-entropy.

`hf_apt.training.losses.loss_func.class_loss_func` makes of it a `compute_loss_func` for any
Trainer. What is added to the loss is an objective (`hf_apt.training.objective`).
"""
# N asked labels of a batch, C classes.

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor


class ClassLoss(Protocol):
    """A frozen configuration that gives each example a loss.

    An implementation is a frozen dataclass that is written as JSON, so that a run can be told from
    another one by it: `name` is a field with a default that the constructor does not take. Its file
    is imported without torch.
    """

    @property
    def name(self) -> str:
        """How it is told from other losses."""
        ...

    @property
    def is_plain(self) -> bool:
        """Whether it is the cross-entropy, which is then taken as it always is, to the bit."""
        ...

    @property
    def needs_counts(self) -> bool:
        """Whether it depends on the number of training examples of each class."""
        ...

    def each(
        self,
        logits_NC: Float[Tensor, "n classes"],
        labels_N: Int[Tensor, " n"],
        counts_C: Float[Tensor, " classes"],
    ) -> Float[Tensor, " n"]:
        """The loss of each example, in the dtype of the logits, which is float32 or float64.

        `counts_C` has the training examples of each class, all above 0; ones where none are needed.
        """
        ...
