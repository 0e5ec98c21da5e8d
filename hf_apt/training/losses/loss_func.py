"""A loss of classes as any Trainer takes it: one mean however an optimiser step is divided."""
# N asked labels of a batch, C classes.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from hf_apt.stats.counts import NOT_ASKED
from hf_apt.training.losses.class_loss import ClassLoss
from hf_apt.training.objective import of_each_label


def class_loss_func(
    loss: ClassLoss | None = None,
    class_counts: Sequence[int] | Int[np.ndarray, " classes"] | None = None,
) -> Callable[..., Float[Tensor, ""]]:
    """What `Trainer(..., compute_loss_func=...)` takes, for classifiers of texts or tokens.

    The function returns the sum of the losses of a batch, each times its weight where weights are
    given, divided by the number of labels other than -100 in the whole optimiser step, over
    accumulation steps and processes; it is computed in float32, or in float64 if the logits are.
    Weights are no part of the divisor. A loss that `is_plain` is torch's cross-entropy to the bit.
    Wherever a Trainer has a `compute_loss_func`, it leaves label smoothing out.

    Args:
        loss: the loss of an example; None for the cross-entropy.
        class_counts: the number of training examples of each class, which some losses need.

    Returns:
        A function of `outputs`, `labels`, `num_items_in_batch` and, by keyword, `weights`, which
        gives a scalar in nats. There is a weight for each label, or for each text of a batch.

    Raises:
        ValueError: for a loss that needs counts and has none, and a class of which there are none.
            The function raises it without labels, for logits of another number of classes or of
            another shape, and where one process has several graphics cards (nn.DataParallel).
    """
    if loss is not None and loss.needs_counts and not loss.is_plain:
        _require_counts(loss.name, class_counts)

    def of_batch(
        outputs: Any,
        labels: Tensor | None,
        num_items_in_batch: Tensor | int | None = None,
        weights: Tensor | None = None,
    ) -> Float[Tensor, ""]:
        logits_NC, labels_N, weights_N = _asked(outputs, labels, weights)
        if num_items_in_batch is None:
            num_items_in_batch = len(labels_N)
        num_items = torch.as_tensor(num_items_in_batch, device=logits_NC.device).clamp(min=1)
        if num_items.dim():
            raise ValueError(
                f"num_items_in_batch has shape {tuple(num_items.shape)}: this loss is for one "
                "graphics card in a process: start with torchrun, or choose one by "
                "CUDA_VISIBLE_DEVICES."
            )
        if weights_N is None and (loss is None or loss.is_plain):
            return cross_entropy(logits_NC, labels_N, reduction="sum") / num_items
        if loss is None or loss.is_plain:
            losses_N = cross_entropy(logits_NC, labels_N, reduction="none")
        else:
            losses_N = loss.each(logits_NC, labels_N, _counts(class_counts, logits_NC))
        return (losses_N if weights_N is None else losses_N * weights_N).sum() / num_items

    return of_batch


def _asked(
    outputs: Any, labels: Tensor | None, weights: Tensor | None
) -> tuple[Float[Tensor, "N C"], Int[Tensor, " N"], Float[Tensor, " N"] | None]:
    """Logits, labels and weights where the label is not -100; logits in float32 or float64."""
    if labels is None:
        raise ValueError("the batch has no labels: this loss is for supervised training.")
    logits = outputs.get("logits") if isinstance(outputs, Mapping) else outputs[0]
    if logits is None or logits.shape[:-1] != labels.shape:
        shape = None if logits is None else tuple(logits.shape)
        raise ValueError(
            f"logits of shape {shape} do not belong to labels of shape {tuple(labels.shape)}: "
            "there must be one row of logits for each label."
        )
    labels = labels.to(logits.device)
    is_asked = labels != NOT_ASKED
    logits_NC = logits[is_asked].to(torch.promote_types(logits.dtype, torch.float32))
    if weights is None:
        return logits_NC, labels[is_asked], None
    return logits_NC, labels[is_asked], of_each_label(weights.to(logits_NC), labels)[is_asked]


def _counts(
    class_counts: Sequence[int] | Int[np.ndarray, " classes"] | None, logits_NC: Tensor
) -> Tensor:
    num_classes = logits_NC.shape[1]
    if class_counts is None:
        return logits_NC.new_ones(num_classes)
    if len(class_counts) != num_classes:
        raise ValueError(
            f"counts of {len(class_counts)} classes came with logits of {num_classes}: give the "
            "number of training examples of every class."
        )
    return torch.as_tensor(class_counts, dtype=logits_NC.dtype, device=logits_NC.device)


def _require_counts(
    name: str, class_counts: Sequence[int] | Int[np.ndarray, " classes"] | None
) -> None:
    if class_counts is None:
        raise ValueError(
            f"{name} weighs classes by their size: give class_counts, the number of training "
            "examples of each class."
        )
    for number, count in enumerate(class_counts):
        if count < 1:
            raise ValueError(
                f"class {number} has {count} training examples: {name} needs at least one of each."
            )
