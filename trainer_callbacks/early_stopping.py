"""Stop when the order parameter has stopped growing."""

from __future__ import annotations

import logging
import math
from itertools import takewhile
from numbers import Real
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from trainer_callbacks.apt import AptCallback
from trainer_callbacks.peers import require_before
from trainer_callbacks.schedule import whole_number

_logger = logging.getLogger(__name__)


class AptEarlyStopping(TrainerCallback):
    """Ends training when mean APT has not grown in `patience` measurements (ours).

    Grown means: the largest of the last `patience` values is above the largest before them by more
    than `num_errors` standard errors of their difference, sqrt(a^2 + b^2) of the two values' own
    errors. As all are asked the same, their errors are not independent, and the true error of the
    difference is smaller: with `num_errors` 1 training is stopped rather early than late, with 0 at
    the first `patience` values without a new best.

    A value that is NaN, where the model's logits are not finite, gets a warning and counts as no
    measurement. Reads `<prefix>_mean_apt` from `state.log_history`, where `AptCallback` enters it:
    nothing is lost by a resume. Raises ValueError before training unless the Trainer has an
    `AptCallback` before it.
    """

    def __init__(self, *, patience: int = 3, num_errors: float = 1.0, prefix: str = "eval"):
        self.patience = whole_number("patience", patience, at_least=1)
        is_number = isinstance(num_errors, Real) and not isinstance(num_errors, bool)
        if not is_number or not 0 <= num_errors < math.inf:
            raise ValueError(f"num_errors must be a number of at least 0, got {num_errors!r}.")
        if not isinstance(prefix, str):
            raise ValueError(f"prefix must be the name before _mean_apt, got {prefix!r}.")
        self.num_errors = num_errors
        self.prefix = prefix
        self._has_warned = False
        self._unknown_at: int | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Refuse to wait for what nobody measures."""
        require_before(AptCallback, self)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Ask the Trainer to stop once growth has ended."""
        self._judge(state, control)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Ask the Trainer to stop, where `AptCallback` measures at steps of its own."""
        self._judge(state, control)

    def _judge(self, state: TrainerState, control: TrainerControl) -> None:
        name = f"{self.prefix}_mean_apt"
        now = takewhile(lambda e: e.get("step") == state.global_step, reversed(state.log_history))
        if not any(name in entry for entry in now):
            self._warn_of_other_names(state, name)
            return
        by_step = {
            entry["step"]: (entry[name], entry.get(f"{name}_stderr", math.nan))
            for entry in state.log_history
            if not math.isnan(entry.get(name, math.nan))
        }
        if state.global_step not in by_step:
            self._warn_of_no_figure(state.global_step, name)
            return
        values = [by_step[step] for step in sorted(by_step)]
        if len(values) > self.patience and self._has_stalled(values):
            control.should_training_stop = True

    def _warn_of_no_figure(self, step: int, name: str) -> None:
        """Warn once a step: an evaluation and the end of its step ask both."""
        if self._unknown_at != step:
            self._unknown_at = step
            _logger.warning("AptEarlyStopping has no figure at step %d: %s is NaN.", step, name)

    def _warn_of_other_names(self, state: TrainerState, name: str) -> None:
        """Warn once, after a whole round of evaluations in which only other data were measured."""
        entry = state.log_history[-1] if state.log_history else {}
        other = next((key for key in entry if key.endswith("_mean_apt")), None)
        if other is None or self._has_warned:
            return
        steps = {entry["step"] for entry in state.log_history if other in entry}
        if len(steps) > 1 and not any(name in entry for entry in state.log_history):
            self._has_warned = True
            _logger.warning("AptEarlyStopping waits for %s, and there is %s.", name, other)

    def _has_stalled(self, values: list[tuple[float, float]]) -> bool:
        before = max(values[: -self.patience])
        after = max(values[-self.patience :])
        # An error over fewer than two tokens is NaN: nothing is known then, and training goes on.
        return after[0] - before[0] <= self.num_errors * math.hypot(before[1], after[1])
