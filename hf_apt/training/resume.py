"""The checkpoint from which an interrupted training goes on."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path

from hf_apt.training.checksums import changed_file

_LARGEST_CHECKED = 1 << 30
"""Bytes up to which the checksums of a file are tried, which takes a second; a larger one is only
asked for its table of contents."""

_OPTIMISER = ("optimizer.pt", "optimizer.bin", "optimizer_0")
"""Files of the optimiser's state: of one process; of weights that FSDP shards, whole or in
parts."""
_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model_fsdp.bin",
    "pytorch_model_fsdp_0",
)


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint in a Trainer's folder that was written to its end, if any.

    A newer one that is not whole is passed over, with a warning that says what is wrong with it.
    """
    checkpoints = {
        int(path.name.removeprefix("checkpoint-")): path
        for path in folder.glob("checkpoint-*")
        if path.name.removeprefix("checkpoint-").isdecimal() and path.is_dir()
    }
    for step in sorted(checkpoints, reverse=True):
        fault = _fault(checkpoints[step], step)
        if fault is None:
            return checkpoints[step]
        warnings.warn(
            f"{checkpoints[step]} is not whole ({fault}): training goes on from the checkpoint "
            "before, or from the beginning.",
            stacklevel=2,
        )
    return None


def _fault(checkpoint: Path, step: int) -> str | None:
    """What keeps `checkpoint` from being continued; None if nothing does.

    The main process writes `trainer_state.json` last, but does not wait for the other processes,
    each of which writes its own `rng_state_<process>.pth`.
    """
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "trainer_state.json is missing or broken"
    if not isinstance(state, dict) or state.get("global_step") != step:
        return "trainer_state.json is of another step"
    for names in (_OPTIMISER, ("scheduler.pt",), _WEIGHTS):
        if not any((checkpoint / name).exists() for name in names):
            return f"{names[0]} is missing"
    return _fault_of_processes(checkpoint) or _fault_of_files(checkpoint)


def _fault_of_processes(checkpoint: Path) -> str | None:
    of_processes = {path.name for path in checkpoint.glob("rng_state_*.pth")}
    wanted = {f"rng_state_{process}.pth" for process in range(max(len(of_processes), 2))}
    if not of_processes:
        wanted = {"rng_state.pth"} - {path.name for path in checkpoint.glob("rng_state.pth")}
    missing = sorted(wanted - of_processes)
    return f"{missing[0]} is missing" if missing else None


def _fault_of_files(checkpoint: Path) -> str | None:
    # What torch.save writes is a zip file, whose table of contents comes last.
    for path in sorted(
        path for kind in ("*.pt", "*.pth", "*.bin") for path in checkpoint.glob(kind)
    ):
        if not _is_whole_zip(path):
            return f"{path.name} is cut short or changed"
    config = checkpoint / "config.json"
    if config.exists() and not _is_json_object(config):
        return f"{config.name} is broken"
    index = checkpoint / "model.safetensors.index.json"
    shards: set[str] = set()
    if index.exists():
        try:
            shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return f"{index.name} is broken"
    for name in sorted({path.name for path in checkpoint.glob("*.safetensors")} | shards):
        if not _is_whole_safetensors(checkpoint / name):
            return f"{name} is missing, cut short or changed"
    changed = changed_file(checkpoint)
    return f"{changed} was changed" if changed else None


def _is_json_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False


def _is_whole_zip(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as saved:
            return path.stat().st_size > _LARGEST_CHECKED or saved.testzip() is None
    except Exception:  # changed bytes raise what they happen to hit
        return False


def _is_whole_safetensors(path: Path) -> bool:
    """Whether the header can be read and the file has the size that it promises."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            return True
    except (OSError, SafetensorError):
        return False
