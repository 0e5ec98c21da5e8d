"""A picture of mean APT at every depth, drawn after each measurement."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.integrations.integration_utils import (
    TensorBoardCallback,
    TrackioCallback,
    WandbCallback,
)

from hf_apt.atomic import writing
from hf_apt.models.description import depth_names
from trainer_callbacks.apt import AptCallback
from trainer_callbacks.files import StepFiles, warned_of
from trainer_callbacks.peers import calling, peers, require_before


class AptPlotCallback(TrainerCallback):
    """Draws mean APT against the step, one line a depth, whenever `AptCallback` has measured.

    The picture goes to `<output_dir>/apt/<prefix>-step-<step>.png`, and under the name
    `<prefix>/mean_apt_by_depth` to TensorBoard, Trackio and Weights & Biases where the Trainer
    reports to them. Raises ValueError before training unless the Trainer has an `AptCallback`
    before it.
    """

    def __init__(self):
        self._training_is_over = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Refuse to draw what nobody measures."""
        require_before(AptCallback, self)
        self._training_is_over = False

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """From now on, the pictures of training stay: the best model may have been loaded."""
        self._training_is_over = True

    def on_mean_apt(
        self, args: TrainingArguments, state: TrainerState, *, prefix: str, means_D: list[float]
    ) -> None:
        """Draw what `AptCallback` has measured, now and at the steps of its tables."""
        if not state.is_world_process_zero:
            return
        files = StepFiles(Path(str(args.output_dir)) / AptCallback.folder)
        path = files.path(prefix, state.global_step, "png")
        if self._training_is_over and path.exists():
            return
        with warned_of(files.folder):
            by_step = _measured_before(files, prefix) | {state.global_step: means_D}
            trainer = calling(Trainer)
            model = None if trainer is None else trainer.model
            figure = draw(by_step, getattr(model, "config", None))
            with writing(files.claimed(prefix, state.global_step, "png"), "wb") as file:
                figure.savefig(file, format="png", dpi=150)
            _report(figure, path, f"{prefix}/mean_apt_by_depth", state.global_step)


def draw(by_step: Mapping[int, Sequence[float]], config: Any = None) -> Figure:
    """Mean APT against the step, one line a depth, from the values at every depth by step.

    Depths are called as a model's `config` says, if it does.
    """
    steps = sorted(by_step)
    depths = range(len(by_step[steps[-1]]))
    names = depth_names(config, len(depths))
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for depth, colour in zip(depths, _colours(len(depths)), strict=True):
        values = [by_step[step][depth] for step in steps]
        label = names[depth]
        axes.plot(steps, values, marker=".", color=colour, label=label)
    axes.set_xlabel("step")
    axes.set_ylabel("mean APT")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", reverse=True, frameon=False, fontsize=8)
    return figure


def _measured_before(files: StepFiles, prefix: str) -> dict[int, list[float]]:
    """Mean APT at every depth, by the step of the table that it is read from."""
    by_step = {}
    for step in files.steps(prefix):
        with suppress(OSError, ValueError, KeyError, TypeError):  # somebody else's file
            content = json.loads(files.path(prefix, step, "json").read_text(encoding="utf-8"))
            means = [at["pooled"]["mean_apt"]["value"] for at in content["depths"]]
            by_step[step] = [math.nan if mean is None else mean for mean in means]
    return by_step


def _colours(num: int) -> list[Any]:
    """From light for the embeddings to dark for the last block."""
    return [colormaps["viridis"](0.85 * (1 - index / max(num - 1, 1))) for index in range(num)]


def _report(figure: Figure, path: Path, name: str, step: int) -> None:
    for peer in peers():
        if isinstance(peer, TensorBoardCallback) and peer.tb_writer is not None:
            peer.tb_writer.add_figure(name, figure, step, close=False)
        elif isinstance(peer, TrackioCallback):
            import trackio

            trackio.log({name: trackio.Image(path), "train/global_step": step})
        elif isinstance(peer, WandbCallback):
            import wandb  # pyright: ignore[reportMissingImports]

            wandb.log({name: wandb.Image(str(path)), "train/global_step": step})
