"""The checkpoint from which an interrupted training goes on."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint in a Trainer's folder that was written to its end, if any."""
    checkpoints = {
        int(path.name.removeprefix("checkpoint-")): path
        for path in folder.glob("checkpoint-*")
        if path.name.removeprefix("checkpoint-").isdecimal() and _is_whole(path)
    }
    return checkpoints[max(checkpoints)] if checkpoints else None


def _is_whole(checkpoint: Path) -> bool:
    """Whether no kill has cut `checkpoint` short.

    The main process writes `trainer_state.json` last, but does not wait for the other processes,
    each of which writes its own `rng_state_<process>.pth`.
    """
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    of_processes = {path.name for path in checkpoint.glob("rng_state_*.pth")}
    wanted = {f"rng_state_{process}.pth" for process in range(max(len(of_processes), 2))}
    if of_processes and of_processes != wanted:
        return False
    # What torch.save writes is a zip file, whose table of contents comes last.
    saved = [path for kind in ("*.pt", "*.pth", "*.bin") for path in checkpoint.glob(kind)]
    return all(map(zipfile.is_zipfile, saved))
