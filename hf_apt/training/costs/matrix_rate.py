"""FLOPs a second of a device on plain matrix products, by whatever multiplies there."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

_SIDE = {"cpu": 1024, "cuda": 8192}
_SIDE_ELSEWHERE = 4096
"""Sides of the squares: so large that all of the device works, and one product takes a few
milliseconds (about 20 on a core)."""


def matrix_rate(
    device: torch.device,
    dtype: torch.dtype,
    *,
    seconds: float = 0.15,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """FLOPs a second of the fastest of the square products of `dtype` that fit in `seconds`.

    A multiply-add is 2 FLOPs, so a product of two squares of side s is 2 s^3. At least one product
    is timed, after one that is not. On the processor it runs on torch's threads, by the library
    that torch is set to. Draws nothing from torch's own random state. Source: ours.
    """
    side = _SIDE.get(device.type, _SIDE_ELSEWHERE)
    generator = torch.Generator(device).manual_seed(0)
    left, right = (
        torch.rand(side, side, generator=generator, device=device).to(dtype) for _ in range(2)
    )
    product = torch.empty_like(left)

    def multiply() -> float:
        began = clock()
        torch.mm(left, right, out=product)
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        return clock() - began

    multiply()
    taken = [multiply()]
    while sum(taken) < seconds:
        taken.append(multiply())
    return 2 * side**3 / max(min(taken), 1e-9)
