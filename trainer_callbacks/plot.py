"""Pictures of mean APT at every depth and of the confusion, drawn after each measurement."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from hf_apt.atomic import writing
from hf_apt.models.description import depth_names
from hf_apt.stats.clusters import TokenClusters
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.pictures.confusion_picture import confusion_picture, picture_order
from hf_apt.stats.pictures.depth_palette import depth_palette
from trainer_callbacks.apt import AptCallback
from trainer_callbacks.confusion import ConfusionCallback
from trainer_callbacks.files import StepFiles, warned_of
from trainer_callbacks.peers import calling, require_before
from trainer_callbacks.trackers import show_picture


class AptPlotCallback(TrainerCallback):
    """Draws mean APT by depth, and where there is a `ConfusionCallback` the confusion of tokens.

    Mean APT against the step, one line a depth, whenever `AptCallback` has measured; and which
    tokens are predicted where which stood, whenever `ConfusionCallback` has.

    Bars are one standard error over tokens, and colours those of the page that `hf-apt` makes. The
    confusion is that of the embeddings, half-way and after the last block, of the tokens of the
    largest clusters after the last block, which are outlined, and then of the most asked tokens.

    The pictures go to `<output_dir>/apt/<prefix>-step-<step>.png` and to `<output_dir>/confusion/`,
    and under the names `<prefix>/mean_apt_by_depth` and `<prefix>/token_confusion` to TensorBoard,
    Trackio, Weights & Biases and MLflow where the Trainer reports to them.

    Raises:
        ValueError: before training unless the Trainer has an `AptCallback` before it.
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
        """Keep the pictures of training from now on: the best model may have been loaded."""
        self._training_is_over = True

    def on_mean_apt(
        self, args: TrainingArguments, state: TrainerState, *, prefix: str, means_D: list[float]
    ) -> None:
        """Draw what `AptCallback` has measured, now and at the steps of its tables.

        Args:
            args: the arguments of the training, with its output folder.
            state: where the training is.
            prefix: prefix of the data, `eval` or `eval_<name>`.
            means_D: mean APT in [0, 1] at each depth; NaN if unknown.
        """
        if not state.is_world_process_zero:
            return
        files = StepFiles(Path(str(args.output_dir)) / AptCallback.folder)
        if self._is_kept(files, prefix, state):
            return
        with warned_of(files.folder):
            by_step, errors = _measured_before(files, prefix)
            by_step |= {state.global_step: means_D}
            figure = draw(by_step, _config(calling(Trainer)), errors)
            _show(figure, files, prefix, "mean_apt_by_depth", state.global_step)

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
        """Draw what `ConfusionCallback` has counted; nothing without answers after the last block.

        Args:
            args: the arguments of the training, with its output folder.
            state: where the training is.
            prefix: prefix of the data, `eval` or `eval_<name>`.
            counts: pair counts at every depth.
            clusters: the clusters of the last depth.
            answered: the depths at which no answer is missing.
        """
        files = StepFiles(Path(str(args.output_dir)) / ConfusionCallback.folder)
        last = counts.num_depths - 1
        is_shown = state.is_world_process_zero and last in answered
        if not is_shown or self._is_kept(files, prefix, state):
            return
        with warned_of(files.folder):
            trainer = calling(Trainer)
            names = depth_names(_config(trainer), counts.num_depths)
            depths = sorted({0, (last + 1) // 2, last} & set(answered))
            tokens, lengths = picture_order(clusters.members, counts.support())
            figure = confusion_picture(
                [counts.at(depth) for depth in depths],
                [names[depth] for depth in depths],
                tokens,
                _words(trainer, tokens),
                lengths,
            )
            _show(figure, files, prefix, "token_confusion", state.global_step)

    def _is_kept(self, files: StepFiles, prefix: str, state: TrainerState) -> bool:
        """Whether a picture of training is there that a later evaluation must not replace."""
        return self._training_is_over and files.path(prefix, state.global_step, "png").exists()


def draw(
    by_step: Mapping[int, Sequence[float]],
    config: Any = None,
    errors: Mapping[int, Sequence[float]] | None = None,
) -> Figure:
    """Mean APT against the step, one line a depth, from the values at every depth by step.

    Depths are called as a model's `config` says, if it does. `errors` are standard errors, at every
    depth by step, where they are known: the bars.
    """
    steps = sorted(by_step)
    depths = range(len(by_step[steps[-1]]))
    names = depth_names(config, len(depths))
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    errors = {} if errors is None else errors
    unknown = [math.nan] * len(depths)
    for depth, colour in zip(depths, depth_palette(len(depths)), strict=True):
        values = np.array([by_step[step][depth] for step in steps])
        label = names[depth]
        axes.plot(steps, values, marker=".", color=colour, label=label)
        bars = np.array([errors.get(step, unknown)[depth] for step in steps])
        axes.vlines(steps, values - bars, values + bars, color=colour, linewidth=1)
    axes.set_xlabel("step")
    axes.set_ylabel("mean APT")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", reverse=True, frameon=False, fontsize=8)
    return figure


def _measured_before(
    files: StepFiles, prefix: str
) -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    """Mean APT at every depth and its standard errors, by the step of the table they are from."""
    by_step, errors = {}, {}
    for step in files.steps(prefix):
        with suppress(OSError, ValueError, KeyError, TypeError):  # somebody else's file
            content = json.loads(files.path(prefix, step, "json").read_text(encoding="utf-8"))
            means, of_means = (
                [_known(at["pooled"]["mean_apt"][key]) for at in content["depths"]]
                for key in ("value", "standard_error")
            )
            by_step[step], errors[step] = means, of_means
    return by_step, errors


def _known(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _config(trainer: Trainer | None) -> Any:
    return getattr(getattr(trainer, "model", None), "config", None)


def _words(trainer: Trainer | None, tokens: Sequence[int]) -> list[str]:
    """Tokens as the Trainer's tokenizer writes them; their ids where it has none."""
    convert = getattr(getattr(trainer, "processing_class", None), "convert_ids_to_tokens", None)
    return list(map(str, tokens if convert is None else convert(list(tokens))))


def _show(figure: Figure, files: StepFiles, prefix: str, name: str, step: int) -> None:
    """Write the picture, then show it to trackers."""
    path = files.claimed(prefix, step, "png")
    with writing(path, "wb") as file:
        figure.savefig(file, format="png", dpi=150)
    show_picture(figure, path, f"{prefix}/{name}", step)
