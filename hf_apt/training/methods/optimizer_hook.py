"""What a method that changes gradients asks of transformers: a call before the optimiser."""

from __future__ import annotations

from transformers import TrainerCallback


def require_hook(name: str) -> None:
    """Raise ValueError where callbacks are not called between backward pass and optimiser."""
    if not hasattr(TrainerCallback, "on_pre_optimizer_step"):
        raise ValueError(
            f"{name} acts before each optimiser step, which this transformers does not tell "
            "callbacks of: install transformers 5 or newer."
        )
