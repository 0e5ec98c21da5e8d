"""Where a callback keeps a file of its own: in the checkpoint that the Trainer has just written."""

from __future__ import annotations

from pathlib import Path

from transformers import TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR


def checkpoint_file(args: TrainingArguments, state: TrainerState, name: str) -> Path:
    """The file `name` in the checkpoint of the step that `state` is at."""
    return Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}" / name
