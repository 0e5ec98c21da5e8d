"""Any Trainer, with objectives added to its loss in training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor
from transformers import Trainer, TrainerCallback

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.training.objective import (
    AroundStep,
    NeedsTrainer,
    Objective,
    Step,
    Term,
    TrainingSetup,
    require_objectives,
)
from hf_apt.training.with_arithmetic import WithArithmetic

_STEPS = 1 << 31
"""More steps than a training has."""


class WithObjectives(Trainer):
    """A Trainer, or what makes another Trainer one, whose loss has terms added in training.

    As in `class MyTrainer(WithObjectives, Trainer)`, and `MyTrainer(...,
    objectives=(RDrop(weight=1.0),))`. Each term adds its weight times its mean over the items of
    the whole optimiser step, however that is divided over accumulation steps and processes and
    whatever the Trainer divides its own loss by. Terms are logged beside `loss`, which then has
    them in it: `<name>` and, times the weight, `<name>_weighted`, both averaged over the same
    steps. Evaluation is left plain; so is all of it without an objective whose weight is above 0:
    no random number is drawn and nothing computed.

    A plain loss that is not what it should be stays as it is. Most models of transformers are given
    `num_items_in_batch` and do not divide by it, so that their loss grows with the number of
    accumulation steps and of processes, and terms weigh less beside it: give masked LMs among them
    `compute_loss_func=hf_apt.masked_lm_loss`.

    Beside `WithExampleWeights`, before which it has to stand, an example's weight is a factor of
    its share in each term, as of its loss; the number of items stays.

    Args:
        *args: those of `Trainer`.
        objectives: the terms, each with its weight.
        **kwargs: those of `Trainer`.

    Raises:
        ValueError: for a weight that is negative or no finite number, for two objectives of one
            name, for a model that an objective is not for, and where one process has several
            graphics cards (nn.DataParallel).
    """

    def __init__(self, *args: Any, objectives: Sequence[Objective] = (), **kwargs: Any):
        require_objectives(objectives)
        super().__init__(*args, **kwargs)
        self.objectives = tuple(objectives)
        self._at_work = tuple(each for each in objectives if each.weight > 0)
        if self._at_work and self.args.n_gpu > 1:
            raise ValueError(
                f"{self._at_work[0].name} is for one graphics card in a process, and there are "
                f"{self.args.n_gpu}: start with torchrun, or choose one by CUDA_VISIBLE_DEVICES."
            )
        self._terms = tuple(self._in_training(each) for each in self._at_work)
        self._num_items: Tensor | None = None
        self._num_batches, self._batch = 1, 0
        self._interval = _Interval()
        self._is_again = False

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """What the Trainer does; an interval of logging that was left unfinished is forgotten."""
        self._interval = _Interval()
        try:
            return super().train(*args, **kwargs)
        finally:
            self._num_items = None

    def get_batch_samples(
        self, epoch_iterator: Iterator, num_batches: int, device: torch.device
    ) -> tuple[list, Any]:
        """The batches of the next step, whose items are counted for the objectives."""
        batches, num_items = super().get_batch_samples(epoch_iterator, num_batches, device)
        if self._at_work and batches:
            self._num_items = self._counted(batches)
            self._num_batches, self._batch = len(batches), -1
        return batches, num_items

    def compute_loss(
        self,
        model: Any,
        inputs: Mapping[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
        **kwargs: Any,
    ) -> Any:
        """The plain loss, and in training the terms of the objectives added to it."""

        def plain(inputs: Any, return_outputs: bool) -> Any:
            return super(WithObjectives, self).compute_loss(
                model, inputs, return_outputs, num_items_in_batch=num_items_in_batch, **kwargs
            )

        if not self._at_work or not model.training:
            return plain(inputs, return_outputs)
        # The Trainer takes labels out of what it is given where it computes the loss itself.
        loss, outputs = plain(dict(inputs), True)
        total = loss
        batch, weights = self._without_weights(inputs)
        part, num_parts = self._part()
        for terms, num_items in zip(self._terms, self._items_of_step(inputs), strict=True):
            step = Step(
                model=model,
                inputs=batch,
                outputs=outputs,
                loss=loss,
                num_items=num_items,
                loss_and_outputs=lambda inputs: plain({**inputs, **weights}, True),
                seed=self.args.seed * _STEPS + self.state.global_step,
                weights=next(iter(weights.values()), None),
                num_steps_before=self.state.global_step,
                part=part,
                num_parts=num_parts,
                is_again=self._is_again,
            )
            for term in terms(step):
                weighted = self._noted(term, num_items_in_batch)
                total = total + weighted if term.weight else total
        return (total, outputs) if return_outputs else total

    def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        """What the Trainer does, or what objectives make of it that change the gradients."""
        self._batch += 1

        def passed() -> Tensor:
            return super(WithObjectives, self).training_step(model, inputs, *args, **kwargs)

        for each in self._terms:
            if isinstance(each, AroundStep):
                passed = partial(each.around_step, model, self._logged_once(passed))
        return passed()

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log; where the training loss is, the means of the terms over the same steps are, too."""
        if "loss" in logs and self._interval.sums:
            names, sums = zip(*self._interval.sums.items(), strict=True)
            means: Any = self.accelerator.reduce(torch.stack(sums), reduction="mean")
            num_steps = max(self.state.global_step - self._interval.after_step, 1)
            logs.update(zip(names, (means / num_steps).tolist(), strict=True))
            self._interval = _Interval()
        super().log(logs, start_time)

    def _in_training(self, objective: Objective) -> Callable[[Step], tuple[Term, ...]]:
        """What is called in training for `objective`; its events are known to the Trainer."""
        if not isinstance(objective, NeedsTrainer):
            return objective
        called = objective.in_training(
            TrainingSetup(
                model=self.model,
                args=self.args,
                tokenizer=self.processing_class,
                train_dataset=self.train_dataset,
            )
        )
        if isinstance(called, TrainerCallback):
            self.add_callback(called)
        return cast(Any, called)

    def _logged_once(self, passed: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """`passed`, whose terms are logged the first time it is called, and then no more."""
        num_calls = 0

        def once() -> Tensor:
            nonlocal num_calls
            num_calls += 1
            if num_calls == 1:
                return passed()
            kept = self._interval, self._is_again
            self._interval, self._is_again = _Interval(), True
            try:
                return passed()
            finally:
                self._interval, self._is_again = kept

        return once

    def _without_weights(self, inputs: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict]:
        """The batch as the model reads it, and the column of weights of examples, if any."""
        column = getattr(self, "example_weights", None)
        if column is None or column not in inputs:
            return inputs, {}
        return {name: inputs[name] for name in inputs if name != column}, {column: inputs[column]}

    def _noted(self, term: Term, num_items_in_batch: Tensor | int | None) -> Tensor:
        """`term` times its weight, before the Trainer divides the loss; noted for the log."""
        divisor = self._divisor(num_items_in_batch)
        value = term.total if term.weight else term.total.detach()
        if term.num_items is not None:
            # Gradients and logged losses are averaged over the processes.
            value = value * (divisor * self.accelerator.num_processes / term.num_items)
        weighted = term.weight * value
        self._interval.add(term.name, value.detach() / divisor, self.state.global_step)
        if not term.weight:
            return weighted
        self._interval.add(
            f"{term.name}_weighted", weighted.detach() / divisor, self.state.global_step
        )
        return weighted

    def _part(self) -> tuple[int, int]:
        """The number of this batch among those of the step, and how many these are."""
        if self._num_items is None:  # asked for a loss outside of a training
            return 0, 1
        num_processes = self.accelerator.num_processes
        of_process = self._batch * num_processes + self.accelerator.process_index
        return of_process, self._num_batches * num_processes

    def _divisor(self, num_items_in_batch: Tensor | int | None) -> int:
        """What `training_step` divides the loss by."""
        is_scaled = getattr(self, "loss_is_scaled_for_ga", None)
        if is_scaled is None:
            is_scaled = self.compute_loss_func is not None or (
                self.model_accepts_loss_kwargs and num_items_in_batch is not None
            )
        return 1 if is_scaled else self.current_gradient_accumulation_steps

    def _items_of_step(self, inputs: Mapping[str, Any]) -> Tensor:
        """For each objective the items of the step; of `inputs` alone where no step was begun."""
        return self._counted([inputs]) if self._num_items is None else self._num_items

    def _counted(self, batches: Sequence[Mapping[str, Any]]) -> Tensor:
        """For each objective the items of `batches` in all processes, at least 1."""
        device = self.args.device  # a count may be a number, or a tensor elsewhere
        counts = [
            torch.stack(
                [torch.as_tensor(objective.count(batch), device=device).long() for batch in batches]
            ).sum()
            for objective in self._at_work
        ]
        of_process = torch.stack(counts)
        of_all: Any = self.accelerator.reduce(of_process, reduction="sum")
        return of_all.clamp(min=1)


def trainer_with(
    objectives: Sequence[Objective], arithmetic: Arithmetic | None = None
) -> Callable[..., Trainer]:
    """What makes a Trainer with `objectives` that multiplies by `arithmetic`."""
    if not objectives:
        return partial(WithArithmetic, arithmetic=arithmetic)
    return partial(_WithBoth, objectives=objectives, arithmetic=arithmetic)


class _WithBoth(WithArithmetic, WithObjectives):
    """A Trainer with objectives and an arithmetic."""


class _Interval:
    """Sums over the steps between two logs, as the Trainer keeps one for its loss."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.after_step = 0

    def add(self, name: str, value: Tensor, steps_before: int) -> None:
        if not self.sums:
            self.after_step = steps_before
        value = value.float()
        self.sums[name] = self.sums[name] + value if name in self.sums else value
