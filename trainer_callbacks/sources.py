"""What a measurement asks about: data as the Trainer prepares them, unused columns left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from trainer_callbacks.peers import calling_trainer


@dataclass(frozen=True)
class Source:
    """Data to ask about."""

    origin: object
    """What identifies the data: measurements of one origin at one moment share a pass."""

    loader: Callable[[], Any]
    """Gives a DataLoader that holds the data and the collator, or anything that serves batches."""

    was_evaluated: bool = False
    """Whether the loader has served an evaluation, whose rows are to be asked."""


def evaluated(loader: Any) -> Source:
    """The data of an evaluation, from the DataLoader that served it."""
    return Source(loader, lambda: loader, was_evaluated=True)


def given(eval_dataset: Any, prefix: str) -> dict[str, Source]:
    """A data set, or several by name, each under the prefix of its scalars."""
    load = calling_trainer().get_test_dataloader  # unlike get_eval_dataloader, keeps no worker
    return {
        name: Source(dataset, partial(load, dataset))
        for name, (dataset, _) in _named(eval_dataset, prefix).items()
    }


def held(prefix: str = "eval") -> dict[str, Source]:
    """The Trainer's own evaluation data, by prefix as in `given`; empty if it has none."""
    trainer = calling_trainer()
    if trainer.eval_dataset is None:
        return {}
    return {
        name: Source(dataset, partial(trainer.get_eval_dataloader, key))
        for name, (dataset, key) in _named(trainer.eval_dataset, prefix).items()
    }


def training_data() -> Source:
    """The Trainer's training data, in their own order, under the collator of the Trainer.

    Raises ValueError if it has none.
    """
    trainer = calling_trainer()
    dataset: Any = trainer.train_dataset
    if dataset is None:
        raise ValueError(
            "the Trainer has no training data to train heads on: give the callback a head_dataset."
        )
    return Source(dataset, partial(trainer.get_test_dataloader, dataset))


def _named(dataset: Any, prefix: str) -> dict[str, tuple[Any, str | None]]:
    """Each data set, and its name among several, by the prefix of its figures."""
    if not isinstance(dataset, dict):
        return {prefix: (dataset, None)}
    return {f"{prefix}_{name}": (part, name) for name, part in dataset.items()}
