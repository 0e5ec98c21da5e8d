"""The term of `Proximal` in a training, with the teacher that it keeps from step to step."""

from __future__ import annotations

from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_apt.training.adversary.answers import answers, divergence, require_one_label
from hf_apt.training.adversary.passes import evaluating, unwrapped
from hf_apt.training.averages.checkpoint_file import checkpoint_file
from hf_apt.training.averages.running_average import RunningAverage
from hf_apt.training.objective import Step, Term, weighted_sum

NAME = "proximal_teacher.safetensors"
"""Name of the teacher's file in a checkpoint's folder."""


class ProximalTerm(TrainerCallback):
    """The divergence between a model and its teacher, an average of the model's weights.

    Args:
        config: the settings of `Proximal`.
    """

    def __init__(self, config: Any):
        self.config = config
        self.teacher: RunningAverage | None = None

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The divergence, summed over the items of the batch, in float32."""
        model = unwrapped(step.model)
        require_one_label(model, step.inputs)
        if self.teacher is None:
            self.teacher = RunningAverage.of(model)
        with torch.no_grad(), evaluating(model):
            outputs = self.teacher.answer(model, step.inputs)
            taught_NC = answers(outputs, step.inputs)
        own_NC = answers(step.outputs, step.inputs)
        return (
            Term(
                name=self.config.name,
                total=weighted_sum(divergence(own_NC, taught_NC, step.inputs), step),
                num_items=step.num_items,
                weight=self.config.weight,
            ),
        )

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        model: Any,
        **event: Any,
    ) -> None:
        """Begin with a copy of the model, or with the teacher of the checkpoint that is resumed."""
        self.teacher = RunningAverage.of(unwrapped(model))
        if state.global_step:
            self.teacher.load(checkpoint_file(args, state, NAME))

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        model: Any,
        **event: Any,
    ) -> None:
        """Follow the model."""
        if self.teacher is not None and state.global_step % self.config.update_every == 0:
            self.teacher.update(unwrapped(model), self.config.momentum)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Put the teacher into the checkpoint."""
        if self.teacher is not None and state.is_world_process_zero:
            self.teacher.save(checkpoint_file(args, state, NAME))
