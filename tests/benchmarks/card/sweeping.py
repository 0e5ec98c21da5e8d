"""The head's product with its largest logit, against products that are written and read again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from hf_apt.data.tokens import Tokens
from hf_apt.depths.sweep import chunks, streamed_argmax

from ..ratio import limit, report
from .sizes import Sizes
from .timing import random, seconds


@torch.no_grad()
def run(sizes: Sizes, tokens: Tokens, rate: float, folder: Path) -> bool:
    """Our sweep against a product that is written out and read again."""
    passed = []
    weight, bias = random(sizes.vocab_size, sizes.hidden_size), random(sizes.vocab_size)
    for rows in sizes.rows:
        features = random(rows, sizes.hidden_size)
        ways: dict[str, Callable[[], object]] = {
            "ours": lambda f=features: streamed_argmax(f, weight, bias),
            "bf16 logits, argmax": lambda f=features: nn.functional.linear(f, weight, bias).argmax(
                -1
            ),
            "fp32 logits, argmax": lambda f=features: (
                nn.functional.linear(f, weight, bias).float().argmax(-1)
            ),
            "fp32 log-softmax, argmax": lambda f=features: (
                nn.functional.linear(f, weight, bias).float().log_softmax(-1).argmax(-1)
            ),
            "torch in chunks": lambda f=features: chunks.chunked_argmax(f, weight, bias),
        }
        times = {name: seconds(way, 20) for name, way in ways.items()}
        flops = 2 * rows * sizes.hidden_size * sizes.vocab_size
        limit(f"{rows} rows: ours", ours=flops / times["ours"] / 1e12, unit="TFLOP/s")
        bars = {"bf16 logits, argmax": 1.1}
        passed += [
            report(
                f"{rows} rows: {name} / ours",
                ours=times["ours"],
                peer=times[name],
                at_least=bars.get(name, 1.0),
            )
            for name in ways
            if name != "ours"
        ]
    return all(passed)
