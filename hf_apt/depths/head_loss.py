"""The cross-entropy of a linear map to the vocabulary: loss and gradients at once, of few logits.

Autograd would keep the log-probabilities of every head until the backward pass. Here the gradients
are formed while the logits of a few positions are there, and handed over later. Source: ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK_BYTES = 1 << 25
"""Size of the logits that are held at once on the CPU, unless one position needs more. Smaller
chunks take longer, as each adds to the whole gradient of the weight."""
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
    with the loss, so that a loss alone is expensive. RuntimeError on a second derivative.
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
        features_KE = features_NE[rows].to(precision)
        logits_KV = torch.addmm(bias_in_V, features_KE, weight_in_VE.T).to(sums)
        loss, slope_KV = _softmax_cross_entropy(logits_KV, labels_N[rows, None])
        losses.append(loss)
        beta = float(rows.start > 0)  # what earlier chunks have added
        if of_bias_V is not None:
            ones_K = slope_KV.new_ones(len(slope_KV))
            torch.addmv(of_bias_V, slope_KV.T, ones_K, beta=beta, alpha=scale, out=of_bias_V)
        slope_KV = slope_KV.to(precision)
        if of_features_NE is not None:
            of_features_NE[rows] = torch.mm(slope_KV, weight_in_VE).mul_(scale)
        if of_weight_VE is not None:
            _add_product(of_weight_VE, slope_KV.T, features_KE, beta=beta, alpha=scale)
        del logits_KV, slope_KV  # before those of the next chunk
    return torch.stack(losses).sum() * scale, gradients


def _softmax_cross_entropy(logits_KV: Tensor, labels_K1: Tensor) -> tuple[Tensor, Tensor]:
    """The summed cross-entropy, and its gradient for the logits, written over them on the CPU."""
    at_label_K1 = logits_KV.gather(1, labels_K1)
    largest_K1 = logits_KV.amax(dim=1, keepdim=True)
    out = logits_KV if logits_KV.device.type == "cpu" else None
    slope_KV = torch.softmax(logits_KV, dim=1, out=out)
    # The largest logit has the largest probability, which is never 0: its log is finite.
    loss = (largest_K1 - slope_KV.amax(dim=1, keepdim=True).log_() - at_label_K1).sum()
    return loss, slope_KV.scatter_(1, labels_K1, -1, reduce="add")


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
