"""The texts of tasks that objectives read: recorded before a training, kept with what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hf_apt.data.tasks.read_texts import numbers_of, require_unread, write_read_texts
from hf_apt.data.tasks.task import open_task
from hf_apt.runs.starting.objective_files import task_of
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
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


def require_tests_unread(objectives: Sequence[Any], config: BlockAccuracyConfig | None) -> None:
    """Open the task to come, if there is one, and those that objectives of a training read.

    Raises ValueError for one that cannot be read, and if objectives read texts that the first is
    tested with, by any of its seeds.
    """
    first = None if config is None else open_task(config.task)
    read = numbers_of(texts_of_tasks(objectives))
    if config is None or first is None or not len(read):
        return
    require_unread(first, read, "this training")
    for number in range(1, config.num_seeds):
        of_seed = replace(config.task, seed=config.task.seed + number)
        require_unread(open_task(of_seed), read, "this training")


def require_read_tasks(objectives: Sequence[Any], config: BlockAccuracyConfig | None) -> None:
    """`require_tests_unread`, where objectives read tasks at all; else no task is opened."""
    if any(map(task_of, objectives)):
        require_tests_unread(objectives, config)


def _texts(objective: Any) -> list[str]:
    name = task_of(objective)
    if name is None or not objective.weight:
        return []
    return own_texts(
        name,
        column=objective.column or None,
        max_texts=getattr(objective, "max_texts", None),
    )
