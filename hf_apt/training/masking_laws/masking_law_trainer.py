"""A Trainer that masks the tokens of each step by a law."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import Trainer

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.data.training_draws import NumberedDraws, TrainingDraws
from hf_apt.stats.counts import NOT_ASKED
from hf_apt.training.masking_laws.law import MaskingLaw
from hf_apt.training.masking_laws.rates_in_training import RatesInTraining
from hf_apt.training.objective import Objective, asked_logits
from hf_apt.training.objective_trainer import WithObjectives, trainer_with
from hf_apt.training.with_arithmetic import WithArithmetic


class WithMaskingLaw(Trainer):
    """A Trainer, or what makes another Trainer one, whose training batches follow a masking law.

    As in `class MyTrainer(WithMaskingLaw, Trainer)`. Loaders fetch the numbers of draws alone, and
    the batches of an optimiser step are masked when that step begins, by the rates of that moment:
    masks depend on the draw, the step and the answers before it, and neither on workers, on what
    was fetched ahead, on accumulation steps nor on processes. Answers are read off the logits of
    the step's own forward pass. The loss is what it was, a mean over the asked positions, so that
    a token masked twice as often weighs twice as much in it. Evaluation is left alone.

    Beside `WithObjectives`, before which it has to stand, the first pass of a batch is counted.

    Args:
        *args: those of `Trainer`.
        masking_law: which tokens are masked more often.
        train_dataset: the draws of the training.
        ceiling_V: the best accuracy of each token, for a law that needs it.
        **kwargs: those of `Trainer`.

    Raises:
        ValueError: for a law that is not for this text, for draws of next tokens or for a generator
            of replaced tokens, and where one process has several graphics cards (nn.DataParallel).
    """

    def __init__(
        self,
        *args: Any,
        masking_law: MaskingLaw,
        train_dataset: TrainingDraws,
        ceiling_V: Any = None,
        **kwargs: Any,
    ):
        if train_dataset.causal_until or train_dataset.with_keys:
            raise ValueError(
                f"the masking law {masking_law.name} is for masked positions alone: leave it out "
                "beside next tokens (causal_share) and beside a generator of replaced tokens."
            )
        numbered = NumberedDraws(len(train_dataset), train_dataset.tokens)
        super().__init__(*args, train_dataset=numbered, **kwargs)
        if self.args.n_gpu > 1:
            raise ValueError(
                f"the masking law {masking_law.name} is for one graphics card in a process, and "
                f"there are {self.args.n_gpu}: start with torchrun, or choose one by "
                "CUDA_VISIBLE_DEVICES."
            )
        self._draws = train_dataset
        self.token_rates = RatesInTraining(
            masking_law,
            train_dataset,
            ceiling_V=ceiling_V,
            summed=partial(self.accelerator.reduce, reduction="sum"),
            device=self.args.device,
        )
        self.add_callback(self.token_rates)
        self._is_counted = True

    def get_batch_samples(
        self, epoch_iterator: Iterator, num_batches: int, device: torch.device
    ) -> tuple[list, Any]:
        """The batches of the next step, masked by the rates of now."""
        return super().get_batch_samples(map(self._masked, epoch_iterator), num_batches, device)

    def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        """What the Trainer does; the answers of the first pass are counted."""
        self._is_counted = False
        return super().training_step(model, inputs, *args, **kwargs)

    def compute_loss(
        self,
        model: Any,
        inputs: Mapping[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
        **kwargs: Any,
    ) -> Any:
        """The loss of the Trainer, whose answers are counted in training."""
        # The Trainer takes labels out of what it is given where it computes the loss itself.
        loss, outputs = super().compute_loss(
            model, dict(inputs), True, num_items_in_batch=num_items_in_batch, **kwargs
        )
        if model.training and not self._is_counted:
            self._is_counted = True
            labels = inputs["labels"]
            logits_NV, asked_N = asked_logits(outputs, inputs)
            answers_N = logits_NV.detach().argmax(dim=-1)[asked_N]
            self.token_rates.count(answers_N, labels[labels != NOT_ASKED])
        return (loss, outputs) if return_outputs else loss

    def _masked(self, numbers: Mapping[str, Any]) -> dict[str, Tensor]:
        batch = self._draws.batch(numbers["draws"].tolist(), self.token_rates.rates)
        return {name: values.to(self.args.device) for name, values in batch.items()}


def trainer_by(
    law: MaskingLaw | None,
    objectives: Sequence[Objective],
    arithmetic: Arithmetic,
    *,
    ceiling_V: Any = None,
) -> Callable[..., Trainer]:
    """What makes a Trainer whose batches follow `law`, or none, with objectives and arithmetic."""
    if law is None:
        return trainer_with(objectives, arithmetic)
    return partial(
        _ByLaw, masking_law=law, ceiling_V=ceiling_V, objectives=objectives, arithmetic=arithmetic
    )


class _ByLaw(WithMaskingLaw, WithArithmetic, WithObjectives):
    """A Trainer with a masking law, an arithmetic and objectives."""
