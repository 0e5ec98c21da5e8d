"""What the measuring callbacks have in common: when they measure, and where the figures go."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

from transformers import (
    EarlyStoppingCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from hf_apt.depths.decoded import DecodedTotal
from trainer_callbacks.files import StepFiles, warned_of
from trainer_callbacks.measurement import Measurement, Moment, raise_in_all, said
from trainer_callbacks.peers import (
    log,
    objective_sums_metrics,
    peers,
    prefix_of,
    require_alone,
)
from trainer_callbacks.schedule import Schedule, whole_number
from trainer_callbacks.sources import Source, evaluated, given, held

_logger = logging.getLogger(__name__)

_DETAILS = ("few", "all")


class DepthCallback(TrainerCallback):
    """Counts what the model answers at every depth (0 = embeddings, m = after block m).

    At each evaluation, on all rows of the data that was evaluated; or instead every `every` steps
    and at the steps `at_steps`, on the Trainer's evaluation data. An `eval_dataset` is used instead
    of these, at each evaluation if the Trainer evaluates several sets. Rows with labels are asked
    as they are; where the collator makes the labels, it makes the same ones at every measurement
    (`seed`), which are not those of the Trainer's own loss. Under mixed precision the model is
    asked in the precision of its weights. Model, random numbers and control flags are left as they
    were: the model learns what it would have learnt without, and whatever the data and the collator
    hold, generators of their own among it, is as it was.

    A few scalars of the last block are logged, all of them with `detail="all"`, and always the one
    that `metric_for_best_model` names. They are added to the metrics of the evaluation, except in a
    search for hyper-parameters whose objective is the sum of all metrics.

    What cannot be measured or written after training has begun, data that ask for nothing among it,
    gets a warning, and training goes on. So does a model whose logits are not finite: at depths
    where an answer is missing all scalars are NaN, and null in the tables.

    Args:
        every: measure every so many steps; at evaluations if None.
        at_steps: measure at these steps.
        eval_dataset: data to measure on, one set or several by name; those of the evaluation if
            None.
        detail: `few` scalars, or `all`.
        seed: seed of the labels where the collator makes them, at least 0.

    Raises:
        ValueError: for an unknown detail, invalid steps, and a negative seed; before training
            begins if the model has no head over a vocabulary, if steps are asked for without data,
            if the Trainer has two callbacks of one class, or if nothing can be written to the
            output folder.
    """

    folder: ClassVar[str]
    """Name of the folder of tables, inside the output folder."""

    few: ClassVar[tuple[str, ...]]
    """The scalars that are logged whatever the detail, without the prefix of the data."""

    def __init__(
        self,
        *,
        every: int | None = None,
        at_steps: Sequence[int] = (),
        eval_dataset: Any = None,
        detail: str = "few",
        seed: int = 2509,
    ):
        if detail not in _DETAILS:
            raise ValueError(f"detail is {detail!r}: choose one of {', '.join(_DETAILS)}.")
        self.detail = detail
        self.schedule = Schedule(every=every, at_steps=at_steps)
        self.eval_dataset = eval_dataset
        self.measurement = Measurement(seed=whole_number("seed", seed, at_least=0))
        self._training_is_over = False

    def scores(self, total: DecodedTotal, *, is_causal: bool) -> dict[str, float]:
        """The scalars to log of one measurement.

        Args:
            total: what the model answered at every depth.
            is_causal: whether the model was asked for next tokens.

        Returns:
            Figures by name, without the prefix of the data; NaN where answers are missing.
        """
        raise NotImplementedError

    def write(
        self, total: DecodedTotal, files: StepFiles, name: tuple[str, int], words: Any
    ) -> None:
        """Write the tables of one measurement.

        Args:
            total: what the model answered at every depth.
            files: the step-numbered files of this callback.
            name: the prefix of the data and the step.
            words: the Trainer's tokenizer, for tokens as words; None for ids.
        """
        raise NotImplementedError

    def tell(
        self, args: TrainingArguments, state: TrainerState, prefix: str, total: DecodedTotal
    ) -> None:
        """Tell other callbacks what was measured.

        Args:
            args: the arguments of the training.
            state: where the training is.
            prefix: prefix of the data, `eval` or `eval_<name>`.
            total: what the model answered at every depth.
        """

    def files(self, args: TrainingArguments) -> StepFiles:
        """The step-numbered files of this callback.

        Args:
            args: the arguments of the training, with its output folder.

        Returns:
            The files in the callback's folder below `output_dir`.
        """
        return StepFiles(Path(str(args.output_dir)) / self.folder)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Refuse what cannot be measured; drop the files of steps that are trained again.

        Raises:
            ValueError: if the model has no head over a vocabulary, if steps are asked for without
                data, if the Trainer has two callbacks of one class, or if nothing can be written to
                the output folder.
        """
        require_alone(self)
        self._warn_of_a_stopper_before(args)
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
        """Measure, and add the scalars to what the evaluation returns.

        Args:
            args: the arguments of the training.
            state: where the training is.
            control: what the Trainer is asked to do next.
            metrics: the metrics of the evaluation, which are added to.
            **event: what else a Trainer tells its callbacks, such as the model.
        """
        if self.schedule.follows_evaluation:
            prefix = prefix_of(metrics)
            sources = {prefix: evaluated(event["eval_dataloader"])}
            if self.eval_dataset is not None:
                sources = self._sources(prefix)
            moment = Moment(metrics, state.global_step)
            for name, source in sources.items():
                scores = self._measured(args, state, control, moment, name, source, event)
                if objective_sums_metrics():
                    scores = {key: v for key, v in scores.items() if _is_named(key, args)}
                metrics.update(scores)

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
        """Keep the tables of training from now on: the best model may have been loaded."""
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
            self._warn_of(error, state)
            return {}
        return self._entered(args, state, control, prefix, total, unprefixed, self.few, event)

    def _entered(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        prefix: str,
        total: DecodedTotal,
        unprefixed: dict[str, float],
        few: Collection[str],
        event: dict[str, Any],
    ) -> dict[str, float]:
        """The scalars that are asked for, logged; tables written, and other callbacks told.

        `few` are the names in `unprefixed` that are logged whatever the detail.
        """
        everything = {f"{prefix}_{name}": value for name, value in unprefixed.items()}
        few_names = {f"{prefix}_{name}" for name in few}
        shown = {name: value for name, value in everything.items() if name in few_names}
        scores = everything if self.detail == "all" else dict(shown)
        scores |= {name: value for name, value in everything.items() if _is_named(name, args)}
        files, name = self.files(args), (prefix, state.global_step)
        is_kept = self._training_is_over and files.path(*name, "json").exists()
        if state.is_world_process_zero and not is_kept:
            with warned_of(files.folder):
                self.write(total, files, name, event.get("processing_class"))
        log(args, state, control, scores, printed=shown if self._is_first_to_print() else {})
        self.tell(args, state, prefix, total)
        return scores

    def _warn_of(self, error: Exception, state: TrainerState) -> None:
        name = type(self).__name__
        _logger.warning("%s at step %d: %s", name, state.global_step, said(error))

    def _is_first_to_print(self) -> bool:
        """Of all measuring callbacks the first one's figures are printed: a line an evaluation."""
        measuring = [peer for peer in peers() if isinstance(peer, DepthCallback)]
        return not measuring or measuring[0] is self

    def _warn_of_a_stopper_before(self, args: TrainingArguments) -> None:
        others = peers()
        before = others[: others.index(self)] if self in others else []
        name = str(args.metric_for_best_model)
        is_ours = any(name.removeprefix("eval_").endswith(few) for few in self.few)
        if is_ours and any(isinstance(peer, EarlyStoppingCallback) for peer in before):
            _logger.warning(
                "EarlyStoppingCallback is listed before %s, which measures %s, and would never see "
                "it: list %s first.",
                *(type(self).__name__, name, type(self).__name__),
            )


def _is_named(name: str, args: TrainingArguments) -> bool:
    """Whether a scalar is the one that the best model is chosen by."""
    return name in (args.metric_for_best_model, f"eval_{args.metric_for_best_model}")
