"""Which texts of tasks a checkpoint's objectives read, so that none of them is tested with.

The training texts of one division of a task can be the test texts of another: of one with other
numbers or another seed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt64

from hf_apt.atomic import writing
from hf_apt.data.tasks.fewrel import MARKERS
from hf_apt.data.tasks.named_task import TASK, named_task
from hf_apt.data.tasks.splits import letters_of
from hf_apt.data.tasks.task import Task, open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.reading import read_array

_MARKS = re.compile("|".join(re.escape(mark) for pair in MARKERS for mark in pair))

_OF_A_STEP = re.compile(r"checkpoint-\d+")

NAME = "task_texts.npy"
"""Name of the file in a checkpoint's folder: a number for each text, uint64, in order."""


def numbers_of(texts: Iterable[str]) -> UInt64[np.ndarray, " texts"]:
    """The different texts as numbers in order; texts of the same letters and digits have one.

    Marks of entities are left out, so that a text has one number with them and without.
    """
    plain = (_MARKS.sub("", text) for text in texts)
    digests = {hashlib.blake2b(letters_of(text).encode(), digest_size=8).digest() for text in plain}
    return np.sort(np.frombuffer(b"".join(digests), "<u8").astype(np.uint64))


def record_of(checkpoint: Path | str) -> Path | None:
    """The record of a checkpoint's folder; None where there is none.

    `checkpoint-<step>`, which a Trainer leaves in the folder of a training, has that of the
    training. One of the Hub has none.
    """
    folder = Path(checkpoint).expanduser().resolve()
    own = [folder, folder.parent] if _OF_A_STEP.fullmatch(folder.name) else [folder]
    return next((each / NAME for each in own if (each / NAME).exists()), None)


def write_read_texts(folder: Path, texts: Iterable[str], *before: Path) -> None:
    """Record in `folder` that `texts` were read, and those of the checkpoints `before`.

    A record that is there is replaced; where nothing was read, there is none.
    """
    known = [read_array(record) for each in before if (record := record_of(each)) is not None]
    numbers = np.unique(np.concatenate([numbers_of(texts), *known]))
    if len(numbers):
        folder.mkdir(parents=True, exist_ok=True)
        with writing(folder / NAME, "wb") as file:
            np.save(file, numbers)
    else:
        (folder / NAME).unlink(missing_ok=True)


def require_unread(task: Task, read: UInt64[np.ndarray, " texts"], what: str) -> None:
    """Raise ValueError if `read` has test texts of `task`; `what` was trained on them."""
    num_read = int(np.isin(numbers_of(task.test.texts), read).sum())
    if num_read:
        raise ValueError(
            f"objectives of {what} read {num_read} of the {len(task.test)} test texts of "
            f"{task.name}, which would be no test: give them the numbers and the seed of the "
            "fine-tuning, as in texts=task:NAME:train_per_class=32;seed=1."
        )


def open_unread(config: TaskConfig, *checkpoints: str, objectives: Sequence[Any] = ()) -> Task:
    """The task, of which nothing that is tested with it has read a test text.

    Args:
        config: which texts to take.
        checkpoints: what is tested, or trained first; one of the Hub, or a folder without a record,
            is taken as it is.
        objectives: those of a training to come.

    Raises:
        ValueError: where an objective of either has, and for what `open_task` refuses.
    """
    return open_first(config, 1, *checkpoints, objectives=objectives)


def open_first(
    config: TaskConfig, num_seeds: int, *checkpoints: str, objectives: Sequence[Any] = ()
) -> Task:
    """The task of the first seed, where those of all seeds are as `open_unread` has them."""
    first = open_task(config)
    read = {each: read_array(path) for each in checkpoints if (path := record_of(each)) is not None}
    if len(own := numbers_of(texts_of_tasks(objectives))):
        read["this training"] = own
    for number in range(num_seeds if read else 0):
        task = open_task(replace(config, seed=config.seed + number)) if number else first
        for what, numbers in read.items():
            require_unread(task, numbers, what)
    return first


def task_of(objective: Any) -> str | None:
    """The task of which an objective reads texts, as `task:NAME`; None where it reads none."""
    named, graph = getattr(objective, "texts", ""), getattr(objective, "graph", "")
    if graph == "labels":
        return TASK + named.removeprefix(TASK)
    return named if named.startswith(TASK) and graph != "links" else None


def texts_of_tasks(objectives: Iterable[Any]) -> list[str]:
    """The training texts of the tasks that objectives name, without those of weight 0."""
    return [text for each in objectives for text in _texts(each)]


def _texts(objective: Any) -> list[str]:
    name = task_of(objective)
    if name is None or not objective.weight:
        return []
    return training_texts(name, objective.column or None, getattr(objective, "max_texts", None))


def training_texts(name: str, column: str | None, max_texts: int | None) -> list[str]:
    """The first `max_texts` training texts of `task:NAME`, without blank ones."""
    texts = open_task(named_task(name, column=column)).train.texts
    return [text for text in texts if text.strip()][:max_texts]
