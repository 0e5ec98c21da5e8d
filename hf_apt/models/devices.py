"""Where models run, and which process this is: Accelerate's answers."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from accelerate import PartialState
    from transformers import PreTrainedModel

_PATIENCE = timedelta(days=1)


@cache
def process_state() -> PartialState:
    """This process among those that `torchrun` or `accelerate launch` started, or alone.

    They wait for one another for a day: one tokenises the corpus, the others have to wait.
    """
    from accelerate import PartialState

    return PartialState(cpu=not has_accelerator(), timeout=_PATIENCE)


def has_accelerator() -> bool:
    """Whether there is a device faster than the processor that training can use."""
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available()


def trains_in_bfloat16() -> bool:
    """Whether training multiplies in bfloat16: on graphics cards that can."""
    import torch

    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def free_memory(device: torch.device) -> int:
    """Bytes that are free on `device`: of the graphics card, or of the machine's memory."""
    if device.type == "cuda":
        import torch

        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return psutil.virtual_memory().available


def to_device(model: PreTrainedModel) -> PreTrainedModel:
    """`model`, moved to this process's device."""
    return model.to(process_state().device)  # pyright: ignore[reportArgumentType]


def part_of_batch(batch_size: int, num_parts: int) -> int:
    """The number of sequences in each of `num_parts` equal parts of a batch.

    Raises ValueError if the batch cannot be divided equally.
    """
    if batch_size % num_parts:
        raise ValueError(
            f"a batch of {batch_size} sequences cannot be divided into {num_parts} equal parts "
            "(processes x accumulation steps): choose a batch size that is a multiple of "
            f"{num_parts}."
        )
    return batch_size // num_parts
