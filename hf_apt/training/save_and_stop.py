"""A Trainer that a signal has asked to end saves a checkpoint first, and logs where it saves.

Source: ours.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_apt.models.devices import process_state
from hf_apt.training.interruption import Request

ASKED_EVERY = 10
"""Steps between two moments at which several processes ask one another."""


class SaveAndStop(TrainerCallback):
    """Saves at the end of the step in which `request` was noted, and ends the training.

    Several processes get a signal in different steps. Every `ASKED_EVERY` steps they ask one
    another whether one has, and after the last one, and stop in the same step.

    Where a checkpoint is saved the loss is logged, too: the Trainer's sum of losses since the last
    log is in no checkpoint, so that a training that goes on from one would log the mean of fewer
    steps. One that was killed thus logs what it would have logged; a signal divides an interval in
    two.
    """

    def __init__(self, request: Request):
        self.request = request

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Save and stop, if asked to; log where steps are to follow what is saved."""
        if self._is_asked(state):
            control.should_save = True
            control.should_training_stop = True
        if control.should_save and state.global_step < state.max_steps:
            control.should_log = True

    def _is_asked(self, state: TrainerState) -> bool:
        processes = process_state()
        if processes.num_processes == 1:
            return self.request.signum is not None
        if state.global_step % ASKED_EVERY and state.global_step < state.max_steps:
            return False
        signum = torch.tensor(self.request.signum or 0, device=processes.device)
        torch.distributed.all_reduce(signum, torch.distributed.ReduceOp.MAX)
        self.request.signum = int(signum) or None
        return self.request.signum is not None
