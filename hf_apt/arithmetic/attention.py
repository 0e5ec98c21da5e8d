"""Which way of computing attention is taken on the processor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

Attention = Literal["default", "math"]
"""`default`: what torch picks. `math`: products over the whole batch. torch's flash attention makes
a product for each sequence and head, which is slow where products are small, above all in bfloat16
and by oneDNN."""


@contextmanager
def attention_by(attention: Attention) -> Iterator[None]:
    """Within the block `torch.nn.functional.scaled_dot_product_attention` takes that way.

    `math` is `products` where that applies: without a mask or with one of True and False, for as
    many heads of keys as of queries. Elsewhere it is torch's own `math`.
    """
    if attention == "default":
        yield
        return
    with sdpa_kernel([SDPBackend.MATH]), _Products():
        yield


def products(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    *,
    scale: float | None = None,
) -> Tensor:
    """Attention as it is written: weights are the softmax of products, values are their mean.

    What autocast does with each product and with the softmax applies.

    Args:
        query: (..., length, width).
        key: (..., other length, width).
        value: (..., other length, width of values).
        attn_mask: True where a key is seen, of a shape that broadcasts to (..., length, other
            length); all are seen if None. Of a row that sees nothing the result is 0.
        dropout_p: share of the weights that are dropped at random.
        scale: factor of the products; 1 / sqrt(width) if None.

    Returns:
        (..., length, width of values).
    """
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query * factor) @ key.transpose(-2, -1)
    if attn_mask is None:
        weights = scores.softmax(-1)
    else:  # twice, as the softmax of a row without any key is no number
        weights = scores.masked_fill(~attn_mask, -math.inf).softmax(-1).masked_fill(~attn_mask, 0)
    if dropout_p:
        weights = torch.nn.functional.dropout(weights, dropout_p)
    return weights.to(value.dtype) @ value


class _Products(TorchFunctionMode):
    """Computes attention by `products` where that applies."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.nn.functional.scaled_dot_product_attention and _apply(*args, **kwargs):
            taken = {
                name: kwargs[name] for name in kwargs if name not in ("is_causal", "enable_gqa")
            }
            return products(*args, **taken)
        return func(*args, **kwargs)


def _apply(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    *more: float,
    is_causal: bool = False,
    enable_gqa: bool = False,
    **others: Any,
) -> bool:
    """Whether `products` does what is asked for."""
    is_seen = attn_mask is None or attn_mask.dtype == torch.bool
    return is_seen and len(more) <= 1 and not is_causal and not enable_gqa
