"""A task where a name is wanted: `task:NAME`, with the numbers of its fine-tuning if need be."""

from __future__ import annotations

from typing import Any

from hf_apt.data.tasks.task_config import TaskConfig

TASK = "task:"
"""Before the name of a task."""

_NUMBERS = ("train_per_class", "test_per_class", "seed", "num_words")


def named_task(text: str, *, column: str | None = None) -> TaskConfig:
    """The task that `task:NAME` or `task:NAME:key=number;key=number` stands for.

    Keys are train_per_class, test_per_class, seed and num_words of `TaskConfig`. `column` holds the
    text.

    Raises ValueError for another key, and for what is no whole number.

    >>> named_task("task:planted:train_per_class=32").train_per_class
    32
    """
    whole = text.removeprefix(TASK)
    name, _, rest = whole.rpartition(":")
    if not name or "=" not in rest:
        return TaskConfig(name=whole, text_column=column)
    numbers: dict[str, Any] = {}
    for part in rest.split(";"):
        key, _, value = part.partition("=")
        if key not in _NUMBERS or key in numbers or not value.isdecimal():
            raise ValueError(
                f"{part!r} in {text!r} is no number of a task: there are {', '.join(_NUMBERS)}, "
                f"each once, as in {TASK}{name}:train_per_class=32;seed=1."
            )
        numbers[key] = int(value)
    return TaskConfig(name=name, text_column=column, **numbers)
