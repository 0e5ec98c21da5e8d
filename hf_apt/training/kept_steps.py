"""The model of chosen steps of a training, kept to be measured: weights alone, nothing to resume.

Source: ours.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_apt.ownership import require_replaceable

_NAME = re.compile(r"step-(\d+)")


class KeepSteps(TrainerCallback):
    """Has the model written at the end of chosen steps, into `<folder>/step-<n>`.

    Where training begins, the folders of later steps are removed, since they are of a training
    that was interrupted after them or given up.

    Args:
        folder: the folder of the folders.
        steps: after which steps.
        keep: writes the model into the folder that it is given; all processes call it. Random
            numbers that it draws are given back.

    Raises:
        ValueError: before training, if a folder that is to be written holds files of somebody
            else's.
    """

    def __init__(self, folder: Path, steps: Collection[int], keep: Callable[[Path], None]):
        self.folder, self.steps, self.keep = folder, frozenset(steps), keep

    def path(self, step: int) -> Path:
        """The folder of the model after `step` steps."""
        return self.folder / f"step-{step}"

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Remove what the steps to come have left before."""
        if not state.is_world_process_zero:
            return
        there = (_NAME.fullmatch(path.name) for path in self.folder.glob("step-*"))
        before = {int(name[1]) for name in there if name}
        later = sorted(step for step in before | self.steps if step > state.global_step)
        for step in later:
            require_replaceable(self.path(step))
        for step in later:
            if self.path(step).exists():
                shutil.rmtree(self.path(step))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Write the model, if this is one of the steps."""
        if state.global_step in self.steps:
            with torch.random.fork_rng(enabled=True):
                self.keep(self.path(state.global_step))
