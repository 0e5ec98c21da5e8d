"""Trainings in which every process holds all weights."""

from __future__ import annotations

import os
from typing import Any

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
