"""How far the gradients of a classifier have moved since training began."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from accelerate.utils import extract_model_from_parallel
from torch import Tensor
from torch.func import functional_call
from torch.utils.data import IterableDataset
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from hf_apt.analysis.kernels.linearisation import copied_weights, feature_drift
from hf_apt.depths.held_state import random_numbers_kept
from hf_apt.depths.model_calls import evaluating
from hf_apt.training.adversary.whole_weights import require_whole_model, require_whole_weights
from trainer_callbacks.peers import calling_trainer, log, prefix_of, require_alone
from trainer_callbacks.schedule import Schedule, whole_number

_logger = logging.getLogger(__name__)


class FeatureDriftCallback(TrainerCallback):
    """Logs how far the gradients of a classifier's logits have moved since training began.

    That is the mean of `|grad f(now) - grad f(start)| / |grad f(start)|` over a few texts and all
    classes, 0 at the start. Where it stays below 2, arXiv 2210.05643 takes the features for fixed:
    fine-tuning is then what a kernel of gradients predicts (`hf-apt kernels`). The figure is
    `eval_feature_drift` in what `evaluate()` returns, in the log and in every tracker; at steps of
    its own it is in the log. Several evaluation data sets have a figure each, by their names; data
    that `evaluate()` is handed under another prefix has none.

    It keeps a copy of the trained weights, on their device, and for each text and class takes two
    backward passes a measurement. The weights, gradients, optimizer and random numbers of the
    training are left as they are. A training that goes on from a checkpoint starts anew there.
    Several processes of one training (torchrun) measure the same texts and log the same figure.

    Args:
        num_texts: how many of the first texts of the evaluation data, or of the training data where
            there are none, are looked at.
        every: measure every so many steps; at evaluations if None.
        at_steps: measure at these steps.

    Raises:
        ValueError: for numbers below 1; before training begins without data, where weights are
            sharded, or if the model does not give a logit for each class of a text.
    """

    def __init__(
        self, *, num_texts: int = 4, every: int | None = None, at_steps: Sequence[int] = ()
    ) -> None:
        self.num_texts = whole_number("num_texts", num_texts, at_least=1)
        self.schedule = Schedule(every=every, at_steps=at_steps)
        self._start: dict[str, Tensor] = {}
        self._rows: dict[str, list[dict[str, Tensor]]] = {}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Copy the weights, and read the texts.

        Raises:
            ValueError: for what cannot be measured.
        """
        require_alone(self)
        require_whole_weights(args, "FeatureDriftCallback")
        if self.schedule.follows_evaluation and args.eval_strategy == "no":
            _logger.warning(
                "FeatureDriftCallback measures at evaluations, and eval_strategy is 'no'."
            )
        model = extract_model_from_parallel(event["model"], keep_torch_compile=False)
        require_whole_model(model, "FeatureDriftCallback")
        self._start = copied_weights(model)
        if not self._start:
            raise ValueError(
                f"no weight of {type(model).__name__} is trained: FeatureDriftCallback has nothing "
                "to follow."
            )
        self._rows = _first_rows(self.num_texts)
        with torch.no_grad(), random_numbers_kept(), evaluating(model):
            logits = _Outputs(model).of(next(iter(self._rows.values()))[0])
        if logits.dim() != 2:
            raise ValueError(
                f"{type(model).__name__} gives logits of the shape {tuple(logits.shape)}, and "
                "FeatureDriftCallback follows classifiers of texts, a logit for each class."
            )

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        metrics: dict[str, float],
        **event: Any,
    ) -> None:
        """Measure, and add the figure to what the evaluation returns.

        Args:
            args: the arguments of the training.
            state: where the training is.
            control: what the Trainer is asked to do next.
            metrics: the metrics of the evaluation, which are added to.
            **event: what else a Trainer tells its callbacks, such as the model.
        """
        if self.schedule.follows_evaluation and self._start:
            prefix = prefix_of(metrics)
            if prefix in self._rows:
                metrics |= self._logged(args, state, control, [prefix], event["model"])

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Measure at a step of the schedule."""
        if self.schedule.is_due(state.global_step):
            self._logged(args, state, control, list(self._rows), event["model"])

    def _logged(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        prefixes: Sequence[str],
        model: Any,
    ) -> dict[str, float]:
        model = extract_model_from_parallel(model, keep_torch_compile=False)
        now = {
            name: each.detach() for name, each in model.named_parameters() if name in self._start
        }
        scores: dict[str, float] = {}
        with random_numbers_kept(), evaluating(model):
            for prefix in prefixes:
                drift_IO = feature_drift(_Outputs(model), self._rows[prefix], self._start, now)
                scores[f"{prefix}_feature_drift"] = float(np.nanmean(drift_IO))
        log(args, state, control, scores, printed=scores)
        return scores


class _Outputs:
    """The logits of collated texts as a function of a model's weights."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def of(self, row: dict[str, Tensor]) -> Tensor:
        return self(self.batch([row]))

    def batch(self, rows: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        device = next(self.model.parameters()).device
        return {name: each.to(device) for name, each in rows[0].items()}

    def __call__(
        self, batch: dict[str, Tensor], weights: dict[str, Tensor] | None = None
    ) -> Tensor:
        if weights is None:
            return self.model(**batch).logits
        return functional_call(self.model, weights, (), batch).logits


def _first_rows(num: int) -> dict[str, list[dict[str, Tensor]]]:
    """By the prefix of its metrics, the first texts of each of the Trainer's evaluation data sets.

    Without any, those of the training data, under `eval`.
    """
    trainer = calling_trainer()
    data: Any = trainer.eval_dataset
    if isinstance(data, dict) and data:
        return {f"eval_{name}": _rows_of(trainer, each, num) for name, each in data.items()}
    return {"eval": _rows_of(trainer, trainer.train_dataset if data is None else data, num)}


def _rows_of(trainer: Trainer, data: Any, num: int) -> list[dict[str, Tensor]]:
    """The first texts of `data`, each collated alone, without labels."""
    if isinstance(data, IterableDataset) or not hasattr(data, "__getitem__"):
        num = 0
    else:
        num = min(num, len(data))
    if not num:
        raise ValueError(
            "FeatureDriftCallback looks at the first texts of the Trainer's data, and there are "
            "none that can be numbered: give the Trainer an eval_dataset that is not streamed."
        )
    loader = trainer.get_test_dataloader(data)
    with random_numbers_kept():
        rows = [
            loader.collate_fn([loader.dataset[place]])  # pyright: ignore
            for place in range(num)
        ]
    left_out = ("labels", "label", "label_ids")
    return [
        {name: each for name, each in dict(row).items() if name not in left_out} for row in rows
    ]
