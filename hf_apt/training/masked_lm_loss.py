"""The loss of a masked LM that does not depend on how an optimiser step is divided.

The mean cross-entropy over the masked positions of a whole optimiser step, for any masked LM in any
Trainer. In transformers 5.23 most of them (BERT, RoBERTa, ELECTRA, DistilBERT, DeBERTa, ESM among
them) take the mean of each batch, and the Trainer, which believes that they divided by the
positions of the whole step, adds these means up: their loss and their gradients grow with the
number of accumulation steps and of processes. All give NaN where nothing is masked.
"""
# B batch, T sequence position, N masked positions of a batch, V vocabulary.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from hf_apt.stats.counts import NOT_ASKED


def masked_lm_loss(
    outputs: Any, labels: Tensor | None, num_items_in_batch: Tensor | int | None = None
) -> Float[Tensor, ""]:
    """The cross-entropy at labels other than -100, divided by their number in the whole step.

    Made for `Trainer(..., compute_loss_func=hf_apt.masked_lm_loss)`. Computed in float32, or in
    float64 if the logits are, of the masked positions alone. Source: ours.

    A Trainer averages evaluation losses over batches, however many positions are masked in each,
    and with `average_tokens_across_devices=False` each process divides by its own positions:
    `hf_apt.WithMaskedLMLoss` takes the mean over positions, and refuses such processes. Wherever a
    Trainer has a `compute_loss_func`, it leaves label smoothing out.

    Args:
        outputs: what the model returned, with `logits` of shape (batch, seq, V).
        labels: the true token ids, -100 where nothing is masked, shape (batch, seq).
        num_items_in_batch: the number of masked positions in the whole optimiser step, over
            accumulation steps and processes, as a Trainer counts them; None for those of this
            batch.

    Returns:
        A scalar in nats. 0 with gradients of 0 where nothing is masked; but NaN for logits without
        a gradient if `num_items_in_batch` is 0: such is a batch of an evaluation, whose mean a
        Trainer takes over the losses that are finite.

    Raises:
        ValueError: without labels, for logits that do not belong to them (a causal LM's do in shape
            alone: it is not for these), and where one process has several graphics cards
            (nn.DataParallel).
    """
    logits_NV, labels_N = _masked(outputs, labels)
    if num_items_in_batch is None:
        num_items_in_batch = max(len(labels_N), 1)
    num_items = torch.as_tensor(num_items_in_batch, device=logits_NV.device)
    if num_items.dim():
        raise ValueError(
            f"num_items_in_batch has shape {tuple(num_items.shape)}: masked_lm_loss is for one "
            "graphics card in a process: start with torchrun, or choose one by "
            "CUDA_VISIBLE_DEVICES."
        )
    if logits_NV.requires_grad:
        num_items = num_items.clamp(min=1)
    return cross_entropy(logits_NV, labels_N, reduction="sum") / num_items


def summed_by_row(outputs: Any, labels: Tensor | None) -> Float[Tensor, "B 2"]:
    """Of each sequence the sum of the cross-entropies at labels other than -100, and their number.

    In float32, without a gradient. Raises ValueError as `masked_lm_loss` does.
    """
    with torch.no_grad():
        logits_NV, labels_N = _masked(outputs, labels)
        losses_N = cross_entropy(logits_NV, labels_N, reduction="none").float()
        asked_BT = labels.to(losses_N.device) != NOT_ASKED  # pyright: ignore[reportOptionalMemberAccess]
        losses_BT = losses_N.new_zeros(asked_BT.shape)
        losses_BT[asked_BT] = losses_N
        return torch.stack([losses_BT.sum(dim=1), asked_BT.sum(dim=1).float()], dim=1)


def _masked(outputs: Any, labels: Tensor | None) -> tuple[Float[Tensor, "N V"], Int[Tensor, " N"]]:
    """Logits and labels of the masked positions; logits in float32 or float64."""
    if labels is None:
        raise ValueError(
            "the batch has no labels: give the Trainer a collator that masks, such as "
            "DataCollatorForLanguageModeling(tokenizer)."
        )
    logits = _logits(outputs)
    if logits.shape[:-1] != labels.shape:
        raise ValueError(
            f"logits of shape {tuple(logits.shape)} do not belong to labels of shape "
            f"{tuple(labels.shape)}: call the model without labels, as a Trainer with a "
            "compute_loss_func does."
        )
    labels = labels.to(logits.device)
    is_asked = labels != NOT_ASKED
    logits_NV = logits[is_asked]
    return logits_NV.to(torch.promote_types(logits.dtype, torch.float32)), labels[is_asked]


def _logits(outputs: Any) -> Tensor:
    if isinstance(outputs, Mapping):
        logits = outputs.get("logits", outputs.get("prediction_logits"))
    else:
        logits = outputs[0] if isinstance(outputs, tuple | list) and outputs else None
    if not isinstance(logits, Tensor):
        raise ValueError(
            f"the model's output ({type(outputs).__name__}) has no logits: masked_lm_loss is for "
            "models with a head over a vocabulary."
        )
    return logits
