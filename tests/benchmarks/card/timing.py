"""Wall time between two waits for the device: unlike on processors, nothing else runs there."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from .sizes import DEVICE


def random(*shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    return torch.randn(*shape, device=DEVICE, dtype=torch.float32).to(dtype) / shape[-1] ** 0.5


def seconds(call: Callable[[], object], repetitions: int) -> float:
    """Wall time of one call, after two to warm up."""
    for repetition in range(repetitions + 2):
        if repetition == 2:
            wait()
            start = time.perf_counter()
        call()
    wait()
    return (time.perf_counter() - start) / repetitions  # pyright: ignore


def wait() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def once(call: Callable[[], object]) -> float:
    wait()
    start = time.perf_counter()
    call()
    wait()
    return time.perf_counter() - start
