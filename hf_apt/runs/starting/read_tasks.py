"""The texts of tasks that objectives read: recorded before a training, kept with what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hf_apt.data.tasks.read_texts import open_first, task_of, texts_of_tasks, write_read_texts
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.training.pretrain_config import PretrainConfig


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
    if config is None:
        texts_of_tasks(objectives)
    else:
        open_first(config.task, config.num_seeds, objectives=objectives)


def require_read_tasks(objectives: Sequence[Any], config: BlockAccuracyConfig | None) -> None:
    """`require_tests_unread`, where objectives read tasks at all; else no task is opened."""
    if any(map(task_of, objectives)):
        require_tests_unread(objectives, config)
