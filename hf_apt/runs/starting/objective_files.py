"""The files that objectives read beside the text: a training goes on with those it began with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hf_apt.atomic import writing
from hf_apt.data.local_files import local_files
from hf_apt.data.tasks.known_tasks import KNOWN_TASKS
from hf_apt.data.tasks.named_task import named_task
from hf_apt.data.tasks.read_texts import task_of
from hf_apt.data.tasks.task import BUILT_IN_SIZES
from hf_apt.data.text_fingerprints import files_fingerprint
from hf_apt.data.text_formats import BUILDERS
from hf_apt.reading import read_json

NAME = "objective_files.json"
"""Name of the record in the training's folder: fingerprints by objective and setting."""
_SETTINGS = ("texts", "links")


def objective_files(objectives: Sequence[Any]) -> dict[str, str]:
    """Fingerprints of the local files that objectives name, by objective and setting.

    Raises ValueError, naming both, for a name that is a file's by its looks and that no file has,
    for a table of links that is not there, and for a task with other numbers than tasks have.
    """
    return {what: files_fingerprint(files) for what, files in _files_of(objectives)}


def require_objective_files(objectives: Sequence[Any]) -> None:
    """Raise ValueError as `objective_files` does; nothing is read."""
    for _ in _files_of(objectives):
        pass


def _files_of(objectives: Sequence[Any]) -> Iterator[tuple[str, list[Path]]]:
    for each in objectives:
        for setting in _SETTINGS:
            if name := getattr(each, setting, ""):
                try:
                    files = _named_by(each, name)
                except ValueError as error:
                    raise ValueError(f"the {setting} of {each.name}: {error}") from error
                if files:
                    yield f"{each.name} {setting}", files


def _named_by(objective: Any, name: str) -> list[Path] | None:
    """The files of a name; None for what has a name of its own, whatever a file is called."""
    if getattr(objective, "graph", "") == "links":
        if not (table := Path(name).expanduser()).is_file():
            raise ValueError(f"there is no table {name}.")
        return [table]
    if task := task_of(objective):
        own = named_task(task).name
        return None if own in {*BUILT_IN_SIZES, *KNOWN_TASKS} else local_files(own, BUILDERS)
    return None if name == "sotu" else local_files(name, BUILDERS)


def keep_objective_files(objectives: Sequence[Any], folder: Path, *, writes: bool) -> None:
    """Record the files of a training that begins in `folder`; hold one that goes on to its record.

    Args:
        objectives: the objectives, with their settings.
        folder: the training's.
        writes: whether this process writes.

    Raises:
        ValueError: where a file is another than the training began with, and for one that is not
            there.
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
