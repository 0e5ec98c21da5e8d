"""Who is calling: the Trainer, and the other callbacks it has, trackers among them.

A Trainer logs an evaluation before it calls `on_evaluate`, and tells a callback neither about
itself nor about its other callbacks. What a callback finds then reaches TensorBoard, Trackio,
Weights & Biases or anyone else's tracker only through the handler that is calling at that moment.
"""

from __future__ import annotations

import copy
import inspect
from typing import TypeVar

from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import CallbackHandler

T = TypeVar("T")


def calling(kind: type[T]) -> T | None:
    """The innermost object of a kind one of whose methods is running; None if there is none."""
    frame = inspect.currentframe()
    while frame is not None:
        caller = frame.f_locals.get("self")
        if isinstance(caller, kind):
            return caller
        frame = frame.f_back
    return None


def calling_trainer() -> Trainer:
    """The Trainer whose event this is.

    Raises RuntimeError if an event is called by hand.
    """
    trainer = calling(Trainer)
    if trainer is None:
        raise RuntimeError("no Trainer is calling: its evaluation data cannot be known.")
    return trainer


def peers() -> list[TrainerCallback]:
    """All callbacks of the Trainer that is calling, the caller among them, in their order."""
    handler = calling(CallbackHandler)
    return [] if handler is None else handler.callbacks


def log(
    args: TrainingArguments, state: TrainerState, control: TrainerControl, scores: dict[str, float]
) -> None:
    """Enter `scores` in `state.log_history` and tell every tracker; `control` stays as it is."""
    entry = dict(scores)
    if state.epoch is not None:
        entry["epoch"] = state.epoch
    step: dict[str, float] = {"step": state.global_step}
    state.log_history.append(entry | step)
    handler = calling(CallbackHandler)
    if handler is not None:
        handler.call_event("on_log", args, state, copy.copy(control), logs=entry)


def require_alone(callback: TrainerCallback) -> None:
    """Raise ValueError if the calling Trainer has another callback of the same class."""
    name = type(callback).__name__
    num = sum(type(other) is type(callback) for other in peers())
    if num > 1:
        raise ValueError(
            f"this Trainer has {num} callbacks of the class {name}, which would write the same "
            "figures and files: keep one."
        )


def require_before(kind: type[TrainerCallback], callback: TrainerCallback) -> None:
    """Raise ValueError unless the calling Trainer has a callback of a kind before `callback`."""
    before = peers()
    before = before[: before.index(callback)] if callback in before else before
    if not any(isinstance(peer, kind) for peer in before):
        raise ValueError(
            f"{type(callback).__name__} reads what {kind.__name__} measures: list "
            f"{kind.__name__} before it."
        )
