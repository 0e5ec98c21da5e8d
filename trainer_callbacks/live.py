"""A live view in the terminal: how far training is, and mean APT at every depth as bars."""

from __future__ import annotations

import inspect
import math
import sys
import threading
import time
from types import CodeType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import CallbackHandler

from hf_apt.models.description import depth_names


class AptLiveView(TrainerCallback):
    """Shows a bar of training and one of mean APT for each depth, as `AptCallback` measures it.

    Takes the terminal to itself, so pass `disable_tqdm=True` in the TrainingArguments. Nothing is
    shown by any but the main process, nor where the output is no terminal. However training ends,
    by an error or an interruption too, the last state stays on the screen and the terminal is given
    back.

    Args:
        console: the terminal, as rich takes it; standard error if None.
    """

    def __init__(self, console: Console | None = None):
        self._console = console or Console(stderr=True)
        self._live: Live | None = None
        self._progress: Progress | None = None
        self._config: Any = None
        # Replaced whole, never changed: another thread draws them.
        self._losses: dict[str, float] = {}
        self._bars: dict[str, dict[int, float]] = {}
        self._before: dict[str, dict[int, float]] = {}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Open the view."""
        self._close()
        if not state.is_world_process_zero or not self._console.is_terminal:
            return
        self._losses, self._bars, self._before = {}, {}, {}
        self._config = getattr(event.get("model"), "config", None)
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._progress.add_task("training", total=state.max_steps, completed=state.global_step)
        self._live = Live(
            get_renderable=self._view,
            console=self._console,
            refresh_per_second=4,
            # What goes to a file must not be drawn above the view instead.
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=sys.stderr.isatty(),
        )
        self._live.start()
        watch = (self._live, threading.get_ident(), _caller())
        threading.Thread(target=_stop_when_left, args=watch).start()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Move the bar of training."""
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        logs: dict[str, float],
        **event: Any,
    ) -> None:
        """Show the newest losses.

        Args:
            args: the arguments of the training.
            state: where the training is.
            control: what the Trainer is asked to do next.
            logs: what is logged, losses among it.
            **event: what else a Trainer tells its callbacks.
        """
        losses = {n: v for n, v in logs.items() if n == "loss" or n.endswith("_loss")}
        self._losses = self._losses | losses

    def on_mean_apt(
        self, args: TrainingArguments, state: TrainerState, *, prefix: str, means_D: list[float]
    ) -> None:
        """Show mean APT of a measurement, and its change since the one before.

        Args:
            args: the arguments of the training.
            state: where the training is.
            prefix: prefix of the data, `eval` or `eval_<name>`.
            means_D: mean APT in [0, 1] at each depth; NaN if unknown.
        """
        self._before = self._before | {prefix: self._bars.get(prefix, {})}
        self._bars = self._bars | {prefix: dict(enumerate(means_D))}

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Leave the last state on the screen."""
        self._close()

    def _close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _view(self) -> RenderableType:
        losses = (f"{name.replace('_', ' ')} {value:.3f}" for name, value in self._losses.items())
        tables = (self._table(prefix) for prefix in self._bars)
        return Group(self._progress or Text(), Text("   ".join(losses), style="dim"), *tables)

    def _table(self, prefix: str) -> Table:
        table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
        table.add_column("after block")
        table.add_column(f"{prefix.replace('_', ' ')} mean APT", justify="right")
        table.add_column("change", justify="right")
        table.add_column("")
        before = self._before[prefix]
        names = depth_names(self._config, max(self._bars[prefix]) + 1)
        for depth, value in sorted(self._bars[prefix].items()):
            table.add_row(
                names[depth].removeprefix("block "),
                f"{value:.3f}" if math.isfinite(value) else "no figure",
                _change(before.get(depth, math.nan), value),
                ProgressBar(total=1.0, completed=value if math.isfinite(value) else 0, width=30),
            )
        return table


def _change(before: float, value: float) -> str:
    return f"{value - before:+.3f}" if math.isfinite(value - before) else ""


def _caller() -> CodeType:
    """The function that made the event happen: a Trainer's loop, or a caller of its own."""
    frame = inspect.currentframe()
    assert frame is not None
    ours = (__file__, CallbackHandler.call_event.__code__.co_filename)
    while frame.f_code.co_filename in ours and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code


def _stop_when_left(live: Live, thread: int, function: CodeType) -> None:
    """Stop `live` once `thread` has left `function`: no event tells that training has raised."""
    while live.is_started and _is_running(thread, function):
        time.sleep(0.1)
    live.stop()


def _is_running(thread: int, function: CodeType) -> bool:
    frame = sys._current_frames().get(thread)
    while frame is not None and frame.f_code is not function:
        frame = frame.f_back
    return frame is not None
