"""The cross-entropy of a linear map to the vocabulary: loss and gradients at once, of few logits.

Ours. Autograd would keep the log-probabilities of every head until the backward pass. Here the
gradients are formed while the logits of a few positions are there, and handed over later.
"""
# N positions, E decoder input width, V vocabulary, C positions of a chunk.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK_BYTES = 1 << 25
"""Of the logits that are alive at once on the CPU, where one position has not more. In smaller
chunks it takes longer, as each adds to the whole gradient of the weight."""
_CHUNK_BYTES_ELSEWHERE = 1 << 29


def head_loss(
    features_NE: Tensor,
    weight_VE: Tensor,
    bias_V: Tensor,
    labels_N: Tensor,
    *,
    divisor: float = 1.0,
) -> Tensor:
    """The cross-entropy of `linear(features, weight, bias)`, summed over positions, by `divisor`.

    In nats, from 0 on; it has gradients for weight and bias, and for features that need one. Under
    autocast products are made in its precision, and added up in float32. The gradients are formed
    with the loss, so that a loss alone is dear. RuntimeError on a second derivative.
    """
    device = features_NE.device.type
    is_cast = torch.is_autocast_enabled(device)
    precision = torch.get_autocast_dtype(device) if is_cast else weight_VE.dtype
    loss: Any = _HeadLoss.apply
    with torch.autocast(device, enabled=False) if is_cast else nullcontext():
        return loss(features_NE, weight_VE, bias_V, labels_N, 1 / divisor, precision)


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        loss, gradients = _loss_and_gradients(*inputs, asked=ctx.needs_input_grad[:3])
        ctx.save_for_backward(*gradients)  # freed before they are handed on, so that none is copied
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        gradients = ctx.saved_tensors
        if outer.device.type != "cpu" or outer != 1:  # to ask a graphics card is to wait for it
            gradients = [each if each is None else each * outer for each in gradients]
        return (*gradients, None, None, None)


def _loss_and_gradients(
    features_NE: Tensor,
    weight_VE: Tensor,
    bias_V: Tensor,
    labels_N: Tensor,
    scale: float,
    precision: torch.dtype,
    *,
    asked: tuple[bool, bool, bool],
) -> tuple[Tensor, tuple[Tensor | None, ...]]:
    """The loss, and its gradients for those of features, weight and bias that are `asked` for."""
    sums = torch.promote_types(weight_VE.dtype, torch.float32)
    inputs = (features_NE, weight_VE, bias_V)
    gradients = tuple(
        torch.empty_like(each, dtype=sums) if is_asked else None
        for each, is_asked in zip(inputs, asked, strict=True)
    )
    of_features_NE, of_weight_VE, of_bias_V = gradients
    weight_in_VE, bias_in_V = weight_VE.to(precision), bias_V.to(precision)
    losses = []
    for rows in _chunks(features_NE, num_bytes=len(bias_V) * sums.itemsize):
        features_CE = features_NE[rows].to(precision)
        logits_CV = torch.addmm(bias_in_V, features_CE, weight_in_VE.T).to(sums)
        loss, slope_CV = _softmax_cross_entropy(logits_CV, labels_N[rows, None])
        losses.append(loss)
        beta = float(rows.start > 0)  # what earlier chunks have added
        if of_bias_V is not None:
            ones_C = slope_CV.new_ones(len(slope_CV))
            torch.addmv(of_bias_V, slope_CV.T, ones_C, beta=beta, alpha=scale, out=of_bias_V)
        slope_CV = slope_CV.to(precision)
        if of_features_NE is not None:
            of_features_NE[rows] = torch.mm(slope_CV, weight_in_VE).mul_(scale)
        if of_weight_VE is not None:
            _add_product(of_weight_VE, slope_CV.T, features_CE, beta=beta, alpha=scale)
        del logits_CV, slope_CV  # before those of the next chunk
    return torch.stack(losses).sum() * scale, gradients


def _softmax_cross_entropy(logits_CV: Tensor, labels_C1: Tensor) -> tuple[Tensor, Tensor]:
    """The summed cross-entropy, and its gradient for the logits, which it takes the place of."""
    at_label_C1 = logits_CV.gather(1, labels_C1)
    largest_C1 = logits_CV.amax(dim=1, keepdim=True)
    place = logits_CV if logits_CV.device.type == "cpu" else None
    slope_CV = torch.softmax(logits_CV, dim=1, out=place)
    # The largest logit has the largest probability, which is never 0: its log is finite.
    loss = (largest_C1 - slope_CV.amax(dim=1, keepdim=True).log_() - at_label_C1).sum()
    return loss, slope_CV.scatter_(1, labels_C1, -1, reduce="add")


def _add_product(total: Tensor, left: Tensor, right: Tensor, *, beta: float, alpha: float) -> None:
    """Make `total` the sum of beta times itself and alpha times the product."""
    if left.dtype == total.dtype:
        torch.addmm(total, left, right, beta=beta, alpha=alpha, out=total)
    elif beta:
        total.mul_(beta).add_(left @ right, alpha=alpha)
    else:
        total.copy_(left @ right).mul_(alpha)


def _chunks(features_NE: Tensor, *, num_bytes: int) -> Iterator[slice]:
    """Positions in parts whose logits, of `num_bytes` each, are bounded; none make one part."""
    most = CHUNK_BYTES if features_NE.device.type == "cpu" else _CHUNK_BYTES_ELSEWHERE
    size = max(most // num_bytes, 1)
    for start in range(0, max(len(features_NE), 1), size):
        yield slice(start, start + size)
