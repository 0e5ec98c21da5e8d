"""A training that has diverged ends at once, and leaves no checkpoint of it.

Source: ours.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class DivergedError(ValueError):
    """The loss or a weight is NaN or infinite."""


class StopWhereDiverged(TrainerCallback):
    """Raises `DivergedError` at the first logged loss that is not finite.

    It does so, too, where weights that are not finite would be saved or left by the training. The
    Trainer has to log such losses: `logging_nan_inf_filter=False`.
    """

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        logs: dict[str, float],
        **event: Any,
    ) -> None:
        """Look at the loss."""
        loss = logs.get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            raise self._error(f"the loss is {loss}", args, state)
        self._last = (state.global_step, loss)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Look at the weights, if they are to be saved."""
        if control.should_save:
            self._require_finite(event["model"], args, state)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Look at the weights that are left: the last steps may not have been logged."""
        self._require_finite(event["model"], args, state)

    def _require_finite(
        self, model: nn.Module, args: TrainingArguments, state: TrainerState
    ) -> None:
        for name, weight in model.named_parameters():
            if not torch.isfinite(weight).all():
                raise self._error(f"the weight {name} is not finite", args, state)

    def _error(self, what: str, args: TrainingArguments, state: TrainerState) -> DivergedError:
        before = ""
        if self._last is not None:
            before = f" (the last finite loss was {self._last[1]:.4g} at step {self._last[0]})"
        return DivergedError(
            f"training has diverged: {what} at step {state.global_step} of {state.max_steps}"
            f"{before}; lower the learning rate, which is {args.learning_rate:g}, or warm up for "
            "longer."
        )
