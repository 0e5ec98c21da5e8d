"""The Trainer's progress bar with a name and the latest loss, instead of printed lines."""

from __future__ import annotations

from typing import Any

from transformers import Trainer
from transformers.trainer_callback import PrinterCallback, ProgressCallback


class NamedProgress(ProgressCallback):
    """One bar for the whole training; evaluations in between show in its postfix only."""

    def __init__(self, name: str):
        super().__init__()
        self.name = name
        self.losses: dict[str, str] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Name the bar that the Trainer opens."""
        super().on_train_begin(args, state, control, **kwargs)
        if self.training_bar is not None:
            self.training_bar.set_description(self.name)

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Show no second bar."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Show the latest training and validation loss."""
        for key, label in (("loss", "loss"), ("eval_loss", "validation")):
            if key in (logs or {}):
                self.losses[label] = f"{float(logs[key]):.3f}"
        if self.training_bar is not None:
            self.training_bar.set_postfix(self.losses)


def name_progress(trainer: Trainer, name: str) -> Trainer:
    """`trainer` with a named bar in place of its own."""
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)  # in its place where transformers logs errors only
    trainer.add_callback(NamedProgress(name))
    return trainer
