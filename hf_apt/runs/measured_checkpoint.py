"""Which checkpoints can be measured from a text alone: those of masked language models."""

from __future__ import annotations

from hf_apt.models.checkpoint_config import is_of_causal_model
from hf_apt.records.checkpoints import checkpoint_path


def require_masked_lm(name: str) -> None:
    """Raise ValueError if the checkpoint called `name` is a causal model's.

    Its configuration is read, and no weight. One that cannot be read is left to whoever loads it.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(checkpoint_path(name), trust_remote_code=False)
    except Exception:  # files can be broken in any way
        return
    if is_of_causal_model(config):
        raise ValueError(
            f"{name!r} is a causal model ({config.model_type}), and `measure` masks tokens: it is "
            "measured at its next tokens by trainer_callbacks.AptCallback, in a Trainer with your "
            "evaluation set."
        )
