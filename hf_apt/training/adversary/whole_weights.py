"""Trainings in which every process holds all weights."""

from __future__ import annotations

import os
from typing import Any

from torch import Tensor, nn

_SWITCHES = {"FSDP": "ACCELERATE_USE_FSDP", "DeepSpeed": "ACCELERATE_USE_DEEPSPEED"}
"""What `accelerate launch` sets."""


def require_whole_weights(args: Any, name: str, what: str = "all weights") -> None:
    """Raise ValueError where processes share the weights out among them (FSDP, DeepSpeed).

    `args` are those of the Trainer, `name` is what is asked for, `what` it needs whole: weights, or
    gradients, which are shared out with them.
    """
    for kind, switch in _SWITCHES.items():
        if getattr(args, kind.lower(), None) or os.environ.get(switch, "").lower() == "true":
            raise ValueError(
                f"{name} needs {what} in every process, which {kind} shares out: start "
                "several processes by torchrun alone."
            )


def is_whole(weight: Tensor) -> bool:
    """Whether a weight is whole in this process, and neither a part nor a place to put it.

    FSDP, DeepSpeed and tensor parallelism leave parts, empty weights, or tensors that know of the
    other processes (`DTensor`).
    """
    if hasattr(weight, "device_mesh") or getattr(weight, "_is_flat_param", False):
        return False
    is_plain = type(weight) in (Tensor, nn.Parameter)  # a quantised one has no storage of its own
    return not weight.is_meta and (not is_plain or weight.untyped_storage().nbytes() > 0)


def require_whole_model(model: nn.Module, name: str) -> None:
    """Raise ValueError if a weight of `model` is shared out, whoever did it.

    `require_whole_weights` sees what a Trainer does; a model can be cut before it comes there, as
    by `torch.distributed.fsdp.fully_shard`. `name` is what is asked for.
    """
    for parameter, weight in model.named_parameters():
        if not is_whole(weight):
            raise ValueError(
                f"{name} needs all weights in every process, and {parameter} of "
                f"{type(model).__name__} is not whole in this one: train it without fully_shard, "
                "FSDP or DeepSpeed; several processes by torchrun alone are right."
            )
