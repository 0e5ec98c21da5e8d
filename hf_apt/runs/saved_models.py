"""The models that a training leaves in its run: the last one, and those of chosen steps."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.atomic import writing_folder
from hf_apt.data.tasks.read_texts import NAME as READ_TASKS
from hf_apt.ownership import MARKER
from hf_apt.records.run import Run

if TYPE_CHECKING:
    from transformers import Trainer


def save_model(run: Run, model: Any, folder: Path) -> None:
    """Write a model into `folder`, the run's tokenizer and what was read of tasks with it."""
    with writing_folder(folder) as partial:
        model.save_pretrained(partial)
        for file in run.path("tokenizer").iterdir():
            if file.name != MARKER:
                shutil.copy(file, partial / file.name)
        if (read := run.path("training") / READ_TASKS).exists():
            shutil.copy(read, partial / READ_TASKS)


def keep_steps(run: Run, trainer: Trainer, steps: tuple[int, ...]) -> None:
    """Have `trainer` leave the model after each of `steps` in the run's `steps/step-<n>`."""
    from hf_apt.training.kept_steps import KeepSteps
    from hf_apt.training.sharding import whole_model

    def keep(folder: Path) -> None:
        model = whole_model(trainer)
        if trainer.is_world_process_zero():
            folder.parent.mkdir(exist_ok=True)
            save_model(run, model, folder)

    if steps:
        trainer.add_callback(KeepSteps(run.path("steps"), steps, keep))
