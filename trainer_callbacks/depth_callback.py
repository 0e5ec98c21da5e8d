"""What the measuring callbacks have in common: when they measure, and where the figures go."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_apt.depths.decoded import DecodedTotal
from trainer_callbacks.files import StepFiles, warned_of
from trainer_callbacks.measurement import Measurement, Moment, raise_in_all, said
from trainer_callbacks.peers import log, require_alone
from trainer_callbacks.schedule import Schedule, whole_number
from trainer_callbacks.sources import Source, evaluated, given, held

_logger = logging.getLogger(__name__)


class DepthCallback(TrainerCallback):
    """Counts what the model answers at every depth (0 = embeddings, m = after block m).

    At each evaluation, on all rows of the data that was evaluated; or instead every `every` steps
    and at the steps `at_steps`, on the Trainer's evaluation data. `eval_dataset` (one, or several
    by name) takes their place, at each evaluation if the Trainer evaluates several sets. Rows with
    labels are asked as they are; where the collator makes the labels, it makes the same ones at
    every measurement (`seed`), which are not those of the Trainer's own loss. Under mixed precision
    the model is asked in the precision of its weights. Model, random numbers and control flags are
    left as they were: the model learns what it would have learnt without.

    Raises ValueError before training begins if the model has no head over a vocabulary, if steps
    are asked for without data, if the Trainer has two callbacks of one class, or if nothing can be
    written to the output folder. What cannot be measured or written later, data that ask for
    nothing among it, gets a warning, and training goes on. So does a model whose logits are not
    finite: at depths where an answer is missing all scalars are NaN, and null in the tables.
    """

    folder: ClassVar[str]
    """Where tables go, inside the output folder."""

    def __init__(
        self,
        *,
        every: int | None = None,
        at_steps: Sequence[int] = (),
        eval_dataset: Any = None,
        seed: int = 2509,
    ):
        self.schedule = Schedule(every=every, at_steps=at_steps)
        self.eval_dataset = eval_dataset
        self.measurement = Measurement(seed=whole_number("seed", seed, at_least=0))
        self._training_is_over = False

    def scores(self, total: DecodedTotal, *, is_causal: bool) -> dict[str, float]:
        """The scalars to log, without the prefix of the data; NaN where answers are missing."""
        raise NotImplementedError

    def write(self, total: DecodedTotal, files: StepFiles, name: tuple[str, int], words: Any):
        """Write the tables of a measurement called `name`: (prefix, step)."""
        raise NotImplementedError

    def files(self, args: TrainingArguments) -> StepFiles:
        """The step-numbered files of this callback."""
        return StepFiles(Path(str(args.output_dir)) / self.folder)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Refuse what cannot be measured; drop the files of steps that are trained again."""
        require_alone(self)
        self.measurement.begin(event["model"])
        name = type(self).__name__
        if self.schedule.follows_evaluation:
            if args.eval_strategy == "no":
                _logger.warning("%s measures at evaluations, and eval_strategy is 'no'.", name)
        elif not self._sources("eval"):
            raise ValueError(
                f"{name} is to measure at steps of its own, and the Trainer has no evaluation "
                "data: give one of them an eval_dataset."
            )
        problem = None
        if state.is_world_process_zero:
            try:
                self.files(args).begin(state.global_step)
            except ValueError as error:
                problem = str(error)
        raise_in_all(problem)
        self._training_is_over = False

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        metrics: dict[str, float],
        **event: Any,
    ) -> None:
        """Measure, and add the scalars to what the evaluation returns."""
        if self.schedule.follows_evaluation:
            prefix = _prefix(metrics)
            sources = {prefix: evaluated(event["eval_dataloader"])}
            if self.eval_dataset is not None:
                sources = self._sources(prefix)
            moment = Moment(metrics, state.global_step)
            for name, source in sources.items():
                metrics.update(self._measured(args, state, control, moment, name, source, event))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Measure at a step of the schedule."""
        if self.schedule.is_due(state.global_step):
            moment = Moment(state, state.global_step)
            for name, source in self._sources("eval").items():
                self._measured(args, state, control, moment, name, source, event)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """From now on, the tables of training stay: the best model may have been loaded."""
        self._training_is_over = True

    def _sources(self, prefix: str) -> dict[str, Source]:
        return held(prefix) if self.eval_dataset is None else given(self.eval_dataset, prefix)

    def _measured(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        moment: Moment,
        prefix: str,
        source: Source,
        event: dict[str, Any],
    ) -> dict[str, float]:
        try:
            total = self.measurement.readout(args, moment, source, **event)
            unprefixed = self.scores(total, is_causal=self.measurement.is_causal)
        except Exception as error:  # training is to go on, whatever cannot be measured
            _logger.warning(
                "%s at step %d: %s", type(self).__name__, state.global_step, said(error)
            )
            return {}
        scores = {f"{prefix}_{name}": value for name, value in unprefixed.items()}
        log(args, state, control, scores)
        files, name = self.files(args), (prefix, state.global_step)
        is_kept = self._training_is_over and files.path(*name, "json").exists()
        if state.is_world_process_zero and not is_kept:
            with warned_of(files.folder):
                self.write(total, files, name, event.get("processing_class"))
        return scores


def _prefix(metrics: dict[str, float]) -> str:
    """What the Trainer puts before the metrics of this data: `eval`, or `eval_<name>`."""
    timed = [name for name in metrics if name.endswith("_runtime")]
    return timed[-1].removesuffix("_runtime") if timed else "eval"
