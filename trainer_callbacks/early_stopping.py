"""Stop when the order parameter has stopped growing."""

from __future__ import annotations

import logging
import math
import zipfile
from itertools import takewhile
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from accelerate.utils import broadcast_object_list
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_apt.models.devices import process_state
from hf_apt.stats.apt import apt
from hf_apt.stats.frequency import growth
from trainer_callbacks.apt import AptCallback
from trainer_callbacks.files import StepFiles
from trainer_callbacks.peers import require_before
from trainer_callbacks.schedule import whole_number

_logger = logging.getLogger(__name__)


class AptEarlyStopping(TrainerCallback):
    """Ends training when mean APT has not grown in several measurements (ours).

    Grown means: the largest of the last `patience` values is above the largest before them by more
    than `num_errors` standard errors of their difference. The same positions are asked at every
    measurement, so that values are compared at equal text, and the error is that of the difference
    paired by token, from the tables that `AptCallback` writes; where these are missing or other
    tokens were asked, it is the larger sqrt(a^2 + b^2) of the two values' own errors. Where the
    data differ between measurements, of which `AptCallback` warns, growth may be that of the text:
    give `AptCallback` an eval_dataset that stays the same.

    A value that is NaN, where the model's logits are not finite, gets a warning and counts as no
    measurement. Reads `<prefix>_mean_apt` from `state.log_history`, where `AptCallback` enters it:
    nothing is lost by a resume.

    Args:
        patience: number of measurements without growth that end the training, at least 1.
        num_errors: standard errors that count as growth, at least 0; with 0 training ends at the
            first `patience` values without a new best.
        prefix: prefix of the data, `eval` or `eval_<name>`.

    Raises:
        ValueError: for a patience below 1, a negative number of errors, and a prefix that is no
            text; before training unless the Trainer has an `AptCallback` before it.
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
        self._judge(args, state, control)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Ask the Trainer to stop, where `AptCallback` measures at steps of its own."""
        self._judge(args, state, control)

    def _judge(self, args: TrainingArguments, state: TrainerState, control: TrainerControl) -> None:
        name = f"{self.prefix}_mean_apt"
        now = takewhile(lambda e: e.get("step") == state.global_step, reversed(state.log_history))
        if not any(name in entry for entry in now):
            self._warn_of_other_names(state, name)
            return
        by_step = {
            int(entry["step"]): (entry[name], entry.get(f"{name}_standard_error", math.nan))
            for entry in state.log_history
            if not math.isnan(entry.get(name, math.nan))
        }
        if state.global_step not in by_step:
            self._warn_of_no_figure(state.global_step, name)
            return
        if len(by_step) > self.patience and self._has_stalled(by_step, args):
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

    def _has_stalled(
        self, by_step: dict[int, tuple[float, float]], args: TrainingArguments
    ) -> bool:
        """Whether the largest of the last values is not above the largest before them."""
        steps = sorted(by_step)
        before = max(steps[: -self.patience], key=lambda step: by_step[step][0])
        after = max(steps[-self.patience :], key=lambda step: by_step[step][0])
        grown = by_step[after][0] - by_step[before][0]
        files = StepFiles(Path(str(args.output_dir)) / AptCallback.folder)
        error = _paired_error(files, self.prefix, before, after)
        if error is None:
            error = math.hypot(by_step[before][1], by_step[after][1])
        # An error over fewer than two tokens is NaN: nothing is known then, and training goes on.
        return grown <= self.num_errors * error


def _paired_error(files: StepFiles, prefix: str, before: int, after: int) -> float | None:
    """The standard error of the growth of mean APT between two steps, paired by token.

    None where a table is missing or the steps did not ask for the same tokens. The same in all
    processes: the main one reads.
    """
    error: list[float | None] = [None]
    if process_state().is_main_process:
        error = [_error_of_tables(files, prefix, before, after)]
    if process_state().num_processes > 1:
        broadcast_object_list(error)
    return error[0]


def _error_of_tables(files: StepFiles, prefix: str, before: int, after: int) -> float | None:
    last_V = []
    for step in (before, after):
        try:
            with np.load(files.path(prefix, step, "npz")) as arrays:
                last_V.append(apt(arrays["hits"][-1], arrays["support"]))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None
    before_V, after_V = last_V
    if not np.array_equal(np.isnan(before_V), np.isnan(after_V)):
        return None
    return growth(np.stack([before_V, after_V]))[0].standard_error
