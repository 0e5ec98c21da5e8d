"""Any Trainer that multiplies in a given way, within its own calls alone."""

from __future__ import annotations

from typing import Any

from transformers import Trainer

from hf_apt.arithmetic.arithmetic import Arithmetic


class WithArithmetic(Trainer):
    """A Trainer, or what makes another Trainer one, with an arithmetic of its own.

    As in `class MyTrainer(WithArithmetic, Trainer)`. torch's settings are changed while `train`,
    `evaluate` or `predict` runs, and are afterwards what they were. The precision is the Trainer's
    own affair (`bf16` of its arguments).

    Args:
        *args: those of `Trainer`.
        arithmetic: how products are made; torch's own way if None.
        **kwargs: those of `Trainer`.
    """

    def __init__(self, *args: Any, arithmetic: Arithmetic | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.arithmetic = arithmetic or Arithmetic()

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """What the Trainer does, by this arithmetic."""
        with self.arithmetic.applied():
            return super().train(*args, **kwargs)

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        """What the Trainer does, by this arithmetic."""
        with self.arithmetic.applied():
            return super().evaluation_loop(*args, **kwargs)


def arithmetic_of(trainer: Trainer) -> dict[str, str]:
    """The arithmetic of a Trainer by its names, as records have it; torch's own if it has none."""
    return getattr(trainer, "arithmetic", Arithmetic()).as_json()
