"""The small run that is attacked, and what of its folder a run left alone has to have, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

SMALL = (
    "run planted --sequence-length 32 --hidden-size 16 --num-heads 2 --num-blocks 2 --steps 30 "
    "--batch-size 8 --save-every 5 --heads both --head-steps 15 --measure-sequences 32 "
    "--realisations 1 --untrained --task planted"
)
LEFT_OUT = {"environment.json", "report.html", "config.json"}
"""Files that hold when and by what command they were made, beside what is compared elsewhere."""
VOLATILE = {"seconds", "created", "command", "environment", "latencies", "cost"}
"""Keys of what a clock gives."""


def start(folder: Path) -> subprocess.Popen[str]:
    """The small run, begun or continued in `folder`."""
    command = [sys.executable, "-m", "hf_apt.cli", *SMALL.split(), "-o", folder.name]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command,
        cwd=folder.parent,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code, and what was said of an error."""
    error = process.communicate(timeout=1800)[1]
    return process.returncode, error


def content(folder: Path) -> dict[str, Any]:
    """Everything in a run's folder that a second run has to have, by path."""
    made: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name in LEFT_OUT or name.startswith("training/"):
            continue
        if path.suffix == ".json":
            made[name] = _json(path)
        elif path.suffix == ".npz":
            made[name] = _arrays(path)
        else:
            made[name] = path.read_bytes()
    return made


def _json(path: Path) -> Any:
    """What the file says without what a clock gives; its bytes where it was damaged and left."""
    try:
        return stable(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        return path.read_bytes()


def _arrays(path: Path) -> dict[str, bytes] | bytes:
    """The bytes of each array; those of the file where it was damaged and left."""
    try:
        with np.load(path) as arrays:
            return {key: arrays[key].tobytes() for key in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return path.read_bytes()


def stable(value: Any) -> Any:
    """`value` without what a clock gives."""
    if isinstance(value, dict):
        return {key: stable(each) for key, each in value.items() if key not in VOLATILE}
    return [stable(each) for each in value] if isinstance(value, list) else value


def differences(reference: dict[str, Any], folder: Path) -> list[str]:
    """The names of files that differ, are missing or are left over."""
    made = content(folder)
    return sorted(name for name in reference | made if reference.get(name) != made.get(name))
