"""The files that objectives read beside the text: a training goes on with those it began with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hf_apt.atomic import writing
from hf_apt.data.local_files import local_files
from hf_apt.data.tasks.known_tasks import KNOWN_TASKS
from hf_apt.data.tasks.named_task import TASK, named_task
from hf_apt.data.tasks.task import BUILT_IN_SIZES
from hf_apt.data.text_fingerprints import files_fingerprint
from hf_apt.data.text_formats import BUILDERS
from hf_apt.reading import read_json

NAME = "objective_files.json"
"""Name of the record in the training's folder: fingerprints by objective and setting."""
_SETTINGS = ("texts", "links")


def objective_files(objectives: Sequence[Any]) -> dict[str, str]:
    """Fingerprints of the local files that objectives name, by objective and setting."""
    named = {
        f"{each.name} {setting}": named_task(name).name
        for each in objectives
        for setting in _SETTINGS
        if (name := getattr(each, setting, "")) and not _is_known(each, name)
    }
    files = {what: local_files(name, BUILDERS) for what, name in named.items()}
    return {what: files_fingerprint(found) for what, found in files.items() if found}


def _is_known(objective: Any, name: str) -> bool:
    """Whether `name` is no file's, whatever a file or a folder of the user is called."""
    if name.startswith(TASK) or getattr(objective, "graph", "") == "labels":
        return named_task(name).name in {*BUILT_IN_SIZES, *KNOWN_TASKS}
    return name == "sotu"


def keep_objective_files(objectives: Sequence[Any], folder: Path, *, writes: bool) -> None:
    """Record the files of a training that begins in `folder`; hold one that goes on to its record.

    Args:
        objectives: the objectives, with their settings.
        folder: the training's.
        writes: whether this process writes.

    Raises:
        ValueError: where a file is another than the training began with.
    """
    now, path = objective_files(objectives), folder / NAME
    if not path.exists():
        if now and writes:
            folder.mkdir(parents=True, exist_ok=True)
            with writing(path) as file:
                json.dump(now, file, indent=1)
        return
    for what, fingerprint in read_json(path).items():
        if now.get(what) != fingerprint:
            name, setting = what.split()
            raise ValueError(
                f"the {setting} of {name} are others than the training in {folder} began with: "
                "put them back, or choose a new folder."
            )
