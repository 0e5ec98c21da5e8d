"""Any Trainer, with the loss of a masked LM that does not depend on how data are divided."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from transformers import Trainer
from transformers.models.auto import modeling_auto

from hf_apt.training.masked_lm_loss import masked_lm_loss, summed_by_row


class WithMaskedLMLoss(Trainer):
    """A Trainer, or what makes another Trainer one, whose loss is `hf_apt.masked_lm_loss`.

    As in `class MyTrainer(WithMaskedLMLoss, Trainer)`. In training it is what
    `compute_loss_func=masked_lm_loss` is, and refuses what would make that wrong. `evaluate` and
    `predict` return the mean over all masked positions of the data in `<prefix>_loss`, whatever the
    batch size and the number of processes (a plain Trainer averages means of batches); NaN if no
    position is masked.

    Args:
        *args: those of `Trainer`.
        **kwargs: those of `Trainer`.

    Raises:
        ValueError: for another `compute_loss_func`, for label smoothing, for a causal LM, for
            several processes with `average_tokens_across_devices=False`, and where one process has
            several graphics cards (nn.DataParallel).
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._require_masked_lm_loss()
        self.compute_loss_func = masked_lm_loss
        self._is_evaluating = False
        self._sums_of_batches: list[Tensor] = []

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
        **kwargs: Any,
    ) -> Any:
        """What the Trainer does; in an evaluation, cross-entropies and positions are added up."""
        if not self._is_evaluating:
            return super().compute_loss(
                model, inputs, return_outputs, num_items_in_batch=num_items_in_batch, **kwargs
            )
        labels = inputs.get("labels")
        # The Trainer takes the labels out of what it is given.
        loss, outputs = super().compute_loss(
            model, dict(inputs), True, num_items_in_batch=num_items_in_batch, **kwargs
        )
        # Rows that fill up the last batch are dropped, as the Trainer drops them.
        rows: Any = self.gather_function(summed_by_row(outputs, labels))
        self._sums_of_batches.append(rows.sum(dim=0))
        return (loss, outputs) if return_outputs else loss

    def evaluation_loop(
        self,
        dataloader: Any,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> Any:
        """What the Trainer returns, with the mean over all masked positions as the loss."""
        self._is_evaluating, self._sums_of_batches = True, []
        try:
            output = super().evaluation_loop(
                dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix
            )
        finally:
            self._is_evaluating = False
        metrics = output.metrics
        if metrics is not None and self._sums_of_batches:
            sums = torch.stack(self._sums_of_batches).cpu().double().sum(dim=0)
            total, num_positions = sums.tolist()
            loss = total / num_positions if num_positions else math.nan
            metrics[f"{metric_key_prefix}_loss"] = loss
        return output

    def _require_masked_lm_loss(self) -> None:
        """Raise ValueError where the loss would be another one than `masked_lm_loss` describes."""
        args = self.args
        if self.compute_loss_func not in (None, masked_lm_loss):
            raise ValueError(
                "WithMaskedLMLoss has a loss of its own: leave out compute_loss_func, or the mixin."
            )
        if args.label_smoothing_factor:
            raise ValueError(
                f"label_smoothing_factor is {args.label_smoothing_factor}, and masked_lm_loss has "
                "no smoothing: leave it out."
            )
        if _is_listed_as_causal(self.model):
            raise ValueError(
                f"{type(self.model).__name__} predicts the next token: masked_lm_loss is for "
                "masked LMs, whose labels are not shifted."
            )
        if args.world_size > 1 and not args.average_tokens_across_devices:
            raise ValueError(
                "average_tokens_across_devices is False, so that each process would divide by its "
                "own masked positions: leave it at True."
            )
        if args.n_gpu > 1:
            raise ValueError(
                f"masked_lm_loss is for one graphics card in a process, and there are "
                f"{args.n_gpu}: start with torchrun, or choose one by CUDA_VISIBLE_DEVICES."
            )


def _is_listed_as_causal(model: Any) -> bool:
    """Whether transformers lists the class among those of causal LMs and not of masked ones."""
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    name = type(bare).__name__
    return (
        name in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()
        and name not in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES.values()
    )
