"""The texts of tasks that objectives read: recorded before a training, kept with what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hf_apt.data.tasks.named_task import TASK
from hf_apt.data.tasks.read_texts import numbers_of, require_unread, write_read_texts
from hf_apt.data.tasks.task import Task
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.representation.text_source import own_texts


def texts_of_tasks(objectives: Sequence[Any]) -> list[str]:
    """The training texts of the tasks that objectives name."""
    return [text for each in objectives for text in _texts(each)]


def keep_read_tasks(config: PretrainConfig, folder: Path, *, writes: bool) -> None:
    """Record in the training's folder what its objectives, and those before it, read of tasks.

    `writes` says whether this process does.
    """
    if not writes:
        return
    before = [Path(each) for each in (config.start_from, config.blocks_of) if each is not None]
    write_read_texts(folder, texts_of_tasks(config.objectives), *before)


def require_tests_unread(objectives: Sequence[Any], task: Task) -> None:
    """Raise ValueError if objectives of a training to come read test texts of `task`."""
    require_unread(task, numbers_of(texts_of_tasks(objectives)), "this training")


def _texts(objective: Any) -> list[str]:
    named = getattr(objective, "texts", "")
    is_task = named.startswith(TASK) or getattr(objective, "graph", "") == "labels"
    if not is_task or not objective.weight:
        return []
    name = named if named.startswith(TASK) else TASK + named
    return own_texts(
        name,
        column=objective.column or None,
        max_texts=getattr(objective, "max_texts", None),
    )
