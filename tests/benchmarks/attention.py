"""Attention of a step under autocast, forward and backward: ours, torch's choice, its `math`.

Short sequences and narrow heads, as small models and the recipes' windows have them.
"""

from collections.abc import Callable

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from hf_apt.arithmetic.attention import attention_by

from .ratio import medians, report

HEADS, WIDTH = 4, 32
BARS = {(128, 8): (1.0, 1.1), (32, 32): (1.5, 1.1), (8, 128): (1.5, 1.1)}
"""What torch's choice and its `math` take as a multiple of ours, by sequences and their length."""


def run() -> bool:
    """Whether ours is quick enough at all lengths."""
    passed = [_attended(*shape, *bars) for shape, bars in BARS.items()]
    return all(passed)


def _attended(num: int, length: int, default_bar: float, math_bar: float) -> bool:
    inputs = torch.randn(3, num, HEADS, length, WIDTH, dtype=torch.bfloat16, requires_grad=True)

    def attend() -> None:
        query, key, value = inputs.unbind()
        with torch.autocast("cpu", torch.bfloat16):
            attended = torch.nn.functional.scaled_dot_product_attention(query, key, value)
        attended.sum().backward()

    def within(block: Callable[[], object]) -> Callable[[], None]:
        def attend_there() -> None:
            with block():  # pyright: ignore[reportGeneralTypeIssues]
                attend()

        return attend_there

    times = medians(
        {
            "ours": within(lambda: attention_by("math")),
            "its choice": within(lambda: attention_by("default")),
            "its math": within(lambda: sdpa_kernel([SDPBackend.MATH])),
        },
        rounds=40,
    )
    bars = {"its choice": default_bar, "its math": math_bar}
    return all(
        [
            report(
                f"attention in bfloat16, {num} x {length}: torch, {peer} / ours",
                ours=times["ours"],
                peer=times[peer],
                at_least=bar,
                tokens=num * length,
            )
            for peer, bar in bars.items()
        ]
    )
