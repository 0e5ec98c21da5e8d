"""Who is calling: the Trainer, and the other callbacks it has, trackers among them.

A Trainer logs an evaluation before it calls `on_evaluate`, and tells a callback neither about
itself nor about its other callbacks. What a callback finds then reaches TensorBoard, Trackio,
Weights & Biases or anyone else's tracker only through the handler that is calling at that moment.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Collection
from typing import Protocol, TypeVar, runtime_checkable

from transformers import (
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import CallbackHandler
from transformers.trainer_utils import default_compute_objective

from hf_apt.stats.clusters import TokenClusters
from hf_apt.stats.counts import DepthCounts

T = TypeVar("T")


@runtime_checkable
class MeanAptReader(Protocol):
    """A callback that shows mean APT."""

    def on_mean_apt(
        self, args: TrainingArguments, state: TrainerState, *, prefix: str, means_D: list[float]
    ) -> None:
        """Show mean APT at every depth, measured on the data called `prefix`; NaN if unknown."""
        ...


@runtime_checkable
class ConfusionReader(Protocol):
    """A callback that shows which tokens are predicted for which."""

    def on_confusion(
        self,
        args: TrainingArguments,
        state: TrainerState,
        *,
        prefix: str,
        counts: DepthCounts,
        clusters: TokenClusters,
        answered: Collection[int],
    ) -> None:
        """Show the pair counts and the clusters after the last block, on the data `prefix`."""
        ...


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


def calling_prefix() -> str | None:
    """What the evaluation that is calling puts before its metrics; None if none is calling."""
    frame = inspect.currentframe()
    while frame is not None:
        prefix = frame.f_locals.get("metric_key_prefix")
        if isinstance(prefix, str) and isinstance(frame.f_locals.get("self"), Trainer):
            return prefix
        frame = frame.f_back
    return None


def prefix_of(metrics: dict[str, float]) -> str:
    """What the Trainer puts before the metrics of this data: `eval`, or `eval_<name>`.

    Other callbacks may have taken any of the metrics away: who calls is asked first.
    """
    calling = calling_prefix()
    if calling is not None:
        return calling
    timed = [name for name in metrics if name.endswith("_runtime")]
    return timed[-1].removesuffix("_runtime") if timed else "eval"


def peers() -> list[TrainerCallback]:
    """All callbacks of the Trainer that is calling, the caller among them, in their order."""
    handler = calling(CallbackHandler)
    return [] if handler is None else handler.callbacks


def log(
    args: TrainingArguments,
    state: TrainerState,
    control: TrainerControl,
    scores: dict[str, float],
    *,
    printed: dict[str, float],
) -> None:
    """Enter `scores` in `state.log_history` and tell every tracker; `control` stays as it is.

    Callbacks that print what is logged are told `printed` alone, and nothing if it is empty.
    """
    epoch = {} if state.epoch is None else {"epoch": state.epoch}
    step: dict[str, float] = {"step": state.global_step}
    state.log_history.append(scores | epoch | step)
    handler = calling(CallbackHandler)
    if handler is None:
        return
    everyone = handler.callbacks
    printers = [peer for peer in everyone if isinstance(peer, PrinterCallback | ProgressCallback)]
    told = [([peer for peer in everyone if peer not in printers], scores)]
    told += [(printers, printed)] if printed else []
    try:
        for handler.callbacks, entry in told:
            handler.call_event("on_log", args, state, copy.copy(control), logs=entry | epoch)
    finally:
        handler.callbacks = everyone


def objective_sums_metrics() -> bool:
    """Whether a search for hyper-parameters is on whose objective is the sum of all metrics."""
    trainer = calling(Trainer)
    is_searching = getattr(trainer, "hp_search_backend", None) is not None
    return is_searching and getattr(trainer, "compute_objective", None) is default_compute_objective


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
