"""Checksums of a training checkpoint's weights, whose format has none of its own.

`SHA256SUMS` is a file as `sha256sum` writes it: `sha256sum -c SHA256SUMS` in the folder tries it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from hf_apt.atomic import writing
from hf_apt.file_digests import sha256

NAME = "SHA256SUMS"
"""Name of the file in a checkpoint's folder."""


class WriteChecksums(TrainerCallback):
    """Writes the checksums of every checkpoint's files of weights beside them."""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Remove the checksums of a checkpoint that is to be written again, in its own folder."""
        if control.should_save and state.is_world_process_zero:
            (_folder(args, state) / NAME).unlink(missing_ok=True)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Write those of the checkpoint that the Trainer has just written."""
        folder = _folder(args, state)
        if state.is_world_process_zero and folder.is_dir():
            write_checksums(folder)


def _folder(args: TrainingArguments, state: TrainerState) -> Path:
    return Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"


def write_checksums(folder: Path) -> None:
    """Write `SHA256SUMS` of the files of weights in `folder`; none if there are no such files."""
    files = sorted(folder.glob("*.safetensors"))
    if files:
        with writing(folder / NAME) as file:
            file.writelines(f"{sha256(path)}  {path.name}\n" for path in files)


def changed_file(folder: Path) -> str | None:
    """The name of a file that is not as `SHA256SUMS` says, or that one's own where it is broken.

    None if all are, or if there is no `SHA256SUMS`.
    """
    try:
        lines = (folder / NAME).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return NAME
    for line in lines:
        entry = re.fullmatch(r"([0-9a-f]{64})  ([^/]+)", line)
        if entry is None:
            return NAME
        path = folder / entry[2]
        if not path.is_file() or sha256(path) != entry[1]:
            return path.name
    return None if lines else NAME
