"""What a method that changes gradients asks of a Trainer: the hook, and whole gradients."""

from __future__ import annotations

import os

from transformers import TrainerCallback, TrainingArguments

from hf_apt.training.sharding import is_asked_for

_DEEPSPEED = "ACCELERATE_USE_DEEPSPEED"
"""Set by `accelerate launch --use_deepspeed`."""


def require_hook(name: str) -> None:
    """Raise ValueError where callbacks are not called between backward pass and optimiser."""
    if not hasattr(TrainerCallback, "on_pre_optimizer_step"):
        raise ValueError(
            f"{name} acts before each optimiser step, which this transformers does not tell "
            "callbacks of: install transformers 5 or newer."
        )


def require_whole_gradients(name: str, args: TrainingArguments) -> None:
    """Raise ValueError where a process holds a part of the gradients (FSDP, DeepSpeed)."""
    by_deepspeed = args.deepspeed or os.environ.get(_DEEPSPEED, "false").lower() == "true"
    if by_deepspeed or args.fsdp or is_asked_for():
        kind = "DeepSpeed" if by_deepspeed else "FSDP"
        raise ValueError(
            f"{name} needs whole gradients in every process, which {kind} divides among them: "
            "train without it, on one device or with torchrun."
        )
