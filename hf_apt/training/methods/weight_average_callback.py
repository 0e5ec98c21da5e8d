"""The callback of `WeightAverage`."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_apt.training.adversary.whole_weights import require_whole_weights
from hf_apt.training.averages.checkpoint_file import checkpoint_file
from hf_apt.training.averages.running_average import RunningAverage

NAME = "weight_average.safetensors"
"""Name of the average's file in a checkpoint's folder."""


class WeightAverageCallback(TrainerCallback):
    """Keeps an average of the model's weights, which the model has when training ends.

    Args:
        config: the settings, a `WeightAverage`.
    """

    def __init__(self, config: Any):
        self.config = config
        self.average: RunningAverage | None = None

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        model: Any,
        **event: Any,
    ) -> None:
        """Begin with a copy of the model, or with the average of the checkpoint that is resumed."""
        require_whole_weights(args, self.config.name)
        if args.load_best_model_at_end:
            raise ValueError(
                f"{self.config.name} gives the model its average at the end, and "
                "load_best_model_at_end those of one step: leave one of them out."
            )
        self.average = RunningAverage.of(model)
        if state.global_step:
            self.average.load(checkpoint_file(args, state, NAME))

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        model: Any,
        **event: Any,
    ) -> None:
        """Take in the weights after a step."""
        assert self.average is not None
        self.average.update(model, self._share_kept(state))

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Put the average into the checkpoint."""
        if self.average is not None and state.is_world_process_zero:
            self.average.save(checkpoint_file(args, state, NAME))

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        model: Any,
        **event: Any,
    ) -> None:
        """Give the model its average."""
        assert self.average is not None
        self.average.write_into(model)

    def _share_kept(self, state: TrainerState) -> float:
        """The share of the average that is kept in this step."""
        num_before = state.global_step - 1 - int(self.config.start * state.max_steps)
        if num_before < 0 or (self.config.kind == "swa" and num_before == 0):
            return 0.0
        if self.config.kind == "ema":
            return self.config.momentum
        return num_before / (num_before + 1)
