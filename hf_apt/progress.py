"""The Trainer's progress bar with a name, its speed and the latest loss, and no printed lines."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from tqdm.auto import tqdm
from transformers import Trainer
from transformers.trainer_callback import PrinterCallback, ProgressCallback


class NamedProgress(ProgressCallback):
    """One bar for the whole training; evaluations in between show in its postfix only."""

    def __init__(self, name: str, tokens_in_step: int | None = None):
        super().__init__()
        self.name = name
        self.tokens_in_step = tokens_in_step
        self.figures: dict[str, str] = {}
        self.start = (0, 0.0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Name the bar that the Trainer opens."""
        super().on_train_begin(args, state, control, **kwargs)
        self.start = (state.global_step, perf_counter())
        if self.training_bar is not None:
            self.training_bar.set_description(self.name)

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Show no second bar."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Show the latest losses, and tokens a second since this process began, all included."""
        first_step, began = self.start
        if self.tokens_in_step and state.global_step > first_step:
            tokens = (state.global_step - first_step) * self.tokens_in_step
            speed = tokens / max(perf_counter() - began, 1e-9)
            self.figures["tokens/s"] = tqdm.format_sizeof(speed)
        for key, label in (("loss", "loss"), ("eval_loss", "validation")):
            if key in (logs or {}):
                self.figures[label] = f"{float(logs[key]):.3f}"
        if self.training_bar is not None:
            self.training_bar.set_postfix(self.figures)


def name_progress(trainer: Trainer, name: str, *, tokens_in_step: int | None = None) -> Trainer:
    """`trainer` with a named bar in place of its own.

    It shows tokens a second where it is told how many there are in a step, over all processes.
    """
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)  # in its place where transformers logs errors only
    trainer.add_callback(NamedProgress(name, tokens_in_step))
    return trainer
