"""Whether the loss that is optimised is the mean over the masked positions of a step."""
# N positions, V vocabulary.

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate.utils import gather_object
from jaxtyping import Float
from torch import Tensor
from transformers import (
    DataCollatorForLanguageModeling,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from hf_apt.models.devices import process_state
from trainer_callbacks.peers import calling

_logger = logging.getLogger(__name__)

_MOST_ROWS = 256
"""Positions of a batch whose gradients are compared with those of a cross-entropy."""

_ROUNDING = 0.05
"""Share of a gradient that is put down to rounding, in bfloat16 among others."""

_REMEDY = "give the Trainer compute_loss_func=hf_apt.masked_lm_loss"


@dataclass(frozen=True)
class WeighedBatch:
    """What a batch weighs in the loss, read off the gradient of its logits."""

    num_positions: int
    """Positions with a gradient: the masked ones."""

    weight: float
    """The sum of the factors that their cross-entropies have in the loss; NaN where the gradient is
    not that of a cross-entropy."""


def weighed_batch(
    logits_NV: Float[Tensor, "N V"], gradient_NV: Float[Tensor, "N V"]
) -> WeighedBatch:
    """What the positions of a batch weigh in a loss with this gradient.

    A cross-entropy with the factor c has the gradient c (p - y), of the probabilities p and the
    one-hot label y: negative at the label alone. So neither labels nor the loss need be known. The
    factor is fitted to the gradients at the labels of at most 256 positions. Source: ours.
    """
    is_asked_N = gradient_NV.amin(dim=-1) != 0
    num = int(is_asked_N.sum())
    if num == 0:
        return WeighedBatch(0, 0.0)
    rows = is_asked_N.nonzero()[:, 0][:: -(-num // _MOST_ROWS)]
    gradient_NV, logits_NV = gradient_NV[rows].double(), logits_NV[rows].double()
    labels_N1 = gradient_NV.argmin(dim=-1, keepdim=True)
    of_one_NV = logits_NV.softmax(dim=-1)
    of_one_NV.scatter_add_(1, labels_N1, torch.full_like(labels_N1, -1, dtype=torch.float64))
    factor = gradient_NV.gather(1, labels_N1).sum() / of_one_NV.gather(1, labels_N1).sum()
    misfit = (gradient_NV - factor * of_one_NV).norm() / gradient_NV.norm()
    return WeighedBatch(num, float(factor) * num if misfit < _ROUNDING else math.nan)


def expected_empty(num_masked: float, probability: float, num_draws: float) -> float:
    """How many of a number of batches have nothing masked.

    It is num_draws * (1 - probability) ** (num_masked / probability), where each token is masked by
    `probability` and `num_masked` are on average.
    """
    if probability >= 1:
        return 0.0
    return num_draws * (1 - probability) ** (num_masked / probability)


class LossCheckCallback(TrainerCallback):
    """Says, once a training, that the loss of a masked LM is a multiple of what it should be.

    That is the mean cross-entropy over the masked positions of an optimiser step. In transformers
    5.23 a Trainer gives `num_items_in_batch`, their number, to any model whose `forward` has
    `**kwargs`, and takes its loss for divided by it. ModernBERT and `hf_apt.Bert6ForMaskedLM`
    divide; BERT, RoBERTa and ELECTRA (and whatever calls `CrossEntropyLoss` by itself: DistilBERT,
    DeBERTa, ESM) do not: loss and gradients are multiplied by the number of accumulation steps and
    of processes. The remedy is `Trainer(..., compute_loss_func=hf_apt.masked_lm_loss)`.

    At the first optimiser step that masks anything, the factors of the cross-entropies are read off
    the gradient of the logits and added up, over accumulation steps and processes: 1 if the loss is
    right, wherever it is computed. A sum above 1 is told of where there are several accumulation
    steps or processes; that batches weigh unevenly in a sum of 1 (each divided by its own
    positions) is not. A loss with other terms in it is not judged, and a warning says so of
    smoothed labels, compiled models and nn.DataParallel. It costs one look at the gradient of the
    logits and a softmax of at most 256 positions a batch of that step, and holds the logits of one
    batch until its backward pass; weights, losses and random numbers are what they are without.

    It also warns where a batch, or a step, with nothing masked is to be expected in the training,
    if the model computes the loss itself, which is NaN then: read off the collator's
    `mlm_probability` and the positions of that step.

    Raises:
        ValueError: before training begins if the model has no head over a vocabulary.
    """

    def __init__(self) -> None:
        self._hook: Any = None
        self._batches: list[WeighedBatch] = []
        self._scale = 1.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Look at the gradient of the head's logits from now on.

        Raises:
            ValueError: if the model has no head over a vocabulary.
        """
        self._stop()
        model = event["model"]
        name = type(model).__name__
        unseen = {
            "compiled models": args.torch_compile or hasattr(model, "_orig_mod"),
            "nn.DataParallel": args.n_gpu > 1,
            "smoothed labels": args.label_smoothing_factor,
        }
        for what in (what for what, is_so in unseen.items() if is_so):
            _logger.warning(
                "LossCheckCallback is not for %s: the loss of %s is not checked.", what, name
            )
            return
        head = getattr(model, "get_output_embeddings", lambda: None)()
        if head is None:
            raise ValueError(
                f"{name} has no head over a vocabulary: LossCheckCallback is for masked LMs."
            )
        self._hook = head.register_forward_hook(self._look)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Forget the batches of another step."""
        self._batches = []
        scaler = getattr(event.get("optimizer"), "scaler", None)
        self._scale = 1.0 if scaler is None else float(scaler.get_scale())

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Judge the step, unless it masks nothing."""
        if self._hook is None:
            return
        of_all: list[list[WeighedBatch]] = gathered(self._batches)
        batches = [batch for of_process in of_all for batch in of_process]
        if batches and not any(batch.num_positions for batch in batches):
            return
        self._stop()
        if batches and state.is_world_process_zero:
            # Gradients are averaged over the processes.
            ratio = sum(batch.weight for batch in batches) / len(of_all)
            self._tell(ratio, batches, args, state, event)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Leave the model as it was."""
        self._stop()

    def _stop(self) -> None:
        if self._hook is not None:
            self._hook.remove()
        self._hook, self._batches = None, []

    def _look(self, head: Any, inputs: Any, logits: Tensor) -> None:
        """Weigh a batch in training as soon as the gradient of its logits is known."""
        if not (head.training and torch.is_grad_enabled() and logits.requires_grad):
            return
        kept_NV = logits.detach().flatten(0, -2)

        def weigh(gradient: Tensor) -> None:
            weighed = weighed_batch(kept_NV, gradient.detach().flatten(0, -2) / self._scale)
            self._batches.append(weighed)

        logits.register_hook(weigh)

    def _tell(
        self,
        ratio: float,
        batches: Sequence[WeighedBatch],
        args: TrainingArguments,
        state: TrainerState,
        event: dict[str, Any],
    ) -> None:
        if math.isnan(ratio):
            _logger.info("LossCheckCallback: the loss is not a cross-entropy, and is not checked.")
            return
        num_steps, num_processes = args.gradient_accumulation_steps, process_state().num_processes
        is_multiple = ratio > 1 + _ROUNDING and num_steps * num_processes > 1
        if is_multiple:
            _logger.warning(
                "LossCheckCallback: loss and gradients of %s are %.3g times those of the mean over "
                "the masked positions of a step (%d accumulation steps, %d processes): %s.",
                type(event["model"]).__name__,
                ratio,
                num_steps,
                num_processes,
                _REMEDY,
            )
        trainer = calling(Trainer)
        if trainer is None or trainer.compute_loss_func is not None:
            return
        divides_by_step = trainer.model_accepts_loss_kwargs and not is_multiple
        num_draws = state.max_steps * (1 if divides_by_step else len(batches))
        num_masked = sum(batch.num_positions for batch in batches) * state.max_steps / num_draws
        probability = _mlm_probability(event.get("train_dataloader"))
        if probability is None:
            return
        num_empty = expected_empty(num_masked, probability, num_draws)
        if num_empty >= 1:
            _logger.warning(
                "LossCheckCallback: with about %.3g masked positions in a %s, about %.3g of %d "
                "have none, and their loss is NaN: %s.",
                num_masked,
                "step" if divides_by_step else "batch",
                num_empty,
                num_draws,
                _REMEDY,
            )


def gathered(batches: list[WeighedBatch]) -> list[list[WeighedBatch]]:
    """The weighed batches of every process; of this one alone if there is no other."""
    return gather_object([batches]) if process_state().num_processes > 1 else [batches]


def _mlm_probability(dataloader: Any) -> float | None:
    """The probability by which a collator masks each token; None for any other collator."""
    collator = getattr(dataloader, "collate_fn", None)
    collator = getattr(collator, "data_collator", collator)  # unused columns may be taken out first
    if type(collator) is not DataCollatorForLanguageModeling or not collator.mlm:
        return None
    return collator.mlm_probability
