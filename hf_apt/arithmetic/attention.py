"""Which of torch's ways to compute attention is taken on the processor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from torch.nn.attention import SDPBackend, sdpa_kernel

Attention = Literal["default", "math"]
"""`default`: what torch picks. `math`: products over the whole batch. torch's flash attention makes
a product for each sequence and head, which is slow where products are small, above all in bfloat16
and by oneDNN."""


@contextmanager
def attention_by(attention: Attention) -> Iterator[None]:
    """Within the block `torch.nn.functional.scaled_dot_product_attention` takes that way."""
    if attention == "default":
        yield
        return
    with sdpa_kernel([SDPBackend.MATH]):
        yield
