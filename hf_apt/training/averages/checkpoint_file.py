"""Where a callback keeps a file of its own: in the checkpoint that the Trainer has just written."""

from __future__ import annotations

from pathlib import Path

from transformers import TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR


def checkpoint_file(args: TrainingArguments, state: TrainerState, name: str) -> Path:
    """The file `name` in the checkpoint of the step that `state` is at.

    In a search of hyper-parameters that checkpoint is in the folder of its trial: the one with the
    trial's name, or the one in which a checkpoint of this step was written last.
    """
    folder, step = Path(str(args.output_dir)), f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
    if state.is_hyper_param_search and not (folder / step).is_dir():
        if state.trial_name is not None and (folder / state.trial_name / step).is_dir():
            folder = folder / state.trial_name
        else:
            written = sorted(folder.glob(f"*/{step}"), key=lambda path: path.stat().st_mtime_ns)
            folder = written[-1].parent if written else folder
    return folder / step / name
