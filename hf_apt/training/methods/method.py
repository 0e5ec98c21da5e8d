"""What a method is: a frozen configuration of which a callback for any Trainer is made.

What acts on gradients, weights or records of a training is a method. What is added to the loss is
an objective (`hf_apt.training.objective`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from transformers import TrainerCallback


class Method(Protocol):
    """A frozen configuration that makes a callback.

    An implementation is a frozen dataclass that is written as JSON, so that a run can be told from
    another one by it: `name` is a field with a default that the constructor does not take. Its file
    is imported without torch and transformers, which `callback` imports.
    """

    @property
    def name(self) -> str:
        """How it is told from other methods, and the first word of what it logs."""
        ...

    def callback(self) -> TrainerCallback:
        """A fresh callback, for one Trainer: `Trainer(..., callbacks=[method.callback()])`.

        Where the method has no strength it changes nothing and draws no random numbers. What it
        needs when a training is resumed is in the checkpoints.
        """
        ...


def require_methods(methods: Iterable[Method]) -> None:
    """Raise ValueError for two methods of one name."""
    names: set[str] = set()
    for method in methods:
        if method.name in names:
            raise ValueError(
                f"there are two methods named {method.name}: give it once, with the settings that "
                "it is to have."
            )
        names.add(method.name)
