"""Where models run, and which process this is: Accelerate's answers."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from accelerate import PartialState
    from transformers import PreTrainedModel

_DAY = 24 * 60 * 60
_LONGEST = 365 * _DAY


@cache
def process_state() -> PartialState:
    """This process among those that `torchrun` or `accelerate launch` started, or alone.

    They wait for one another as long as `patience` says; its ValueError is raised here, too.
    """
    from accelerate import PartialState

    seconds = patience()
    return PartialState(cpu=not has_accelerator(), timeout=timedelta(seconds=seconds))


def patience() -> int:
    """Seconds for which processes wait for one that does not answer: HF_APT_PATIENCE, or a day.

    A day because one process tokenises the corpus, and the others have to wait until it is done:
    less is enough where that takes less.

    Raises ValueError for anything but a whole number of seconds.
    """
    given = os.environ.get("HF_APT_PATIENCE", str(_DAY))
    if not (given.isdecimal() and 1 <= int(given) <= _LONGEST):
        raise ValueError(
            f"HF_APT_PATIENCE must be a whole number of seconds from 1 to {_LONGEST}, got "
            f"{given!r}: set it to such a number, or unset it to wait for a day."
        )
    return int(given)


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
