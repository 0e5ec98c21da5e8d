"""A weight for each training example, in a column of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from transformers import Trainer

from hf_apt.training.losses.loss_func import class_loss_func

WEIGHT = "weight"
"""The column with the weight of a training example; there may be none."""


class WithExampleWeights(Trainer):
    """A Trainer, or what makes another Trainer one, that weighs each training example's loss.

    As in `class MyTrainer(WithExampleWeights, Trainer)`. Where rows have a column `weight`, which
    the collator has to keep (`DataCollatorWithPadding` does), the loss of an example is times its
    weight in training, and the sum is divided by the number of labels as ever: a weight of 0 leaves
    an example out, and one of 1 for all is the plain loss but for rounding. Terms of objectives are
    weighed alike, where `WithObjectives` stands before this class. In evaluation no weight counts.

    Args:
        *args: those of `Trainer`.
        **kwargs: those of `Trainer`. A `compute_loss_func` has to take `weights`, as those of
            `hf_apt.class_loss_func` do; the default is its cross-entropy.
    """

    example_weights = WEIGHT
    """The column, for objectives: they are given it apart from a model's inputs."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.compute_loss_func is None:
            self.compute_loss_func = class_loss_func()

    def compute_loss(
        self,
        model: Any,
        inputs: Mapping[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
        **kwargs: Any,
    ) -> Any:
        """The loss, weighted in training."""
        inputs = dict(inputs)
        weights = inputs.pop(WEIGHT, None)
        func: Any = self.compute_loss_func
        if weights is not None and model.training:
            self.compute_loss_func = partial(func, weights=weights)
        try:
            return super().compute_loss(
                model, inputs, return_outputs, num_items_in_batch=num_items_in_batch, **kwargs
            )
        finally:
            self.compute_loss_func = func

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        columns = self._signature_columns
        if columns is not None and WEIGHT not in columns:
            self._signature_columns = [*columns, WEIGHT]
