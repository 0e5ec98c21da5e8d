"""Checkpoints to measure: masked language models, and causal ones at their next tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.data.measure_config import require_no_masks
from hf_apt.models.checkpoint_config import is_of_causal_model
from hf_apt.records.checkpoints import checkpoint_path

if TYPE_CHECKING:
    from hf_apt.runs.recipes import RunConfig

NEXT_TOKEN = {"predicts": "next token"}
"""What `model.json` says of a causal model beside its description."""


def is_causal_checkpoint(name: str) -> bool:
    """Whether the checkpoint called `name` is a causal model's.

    Its configuration is read, and no weight. One that cannot be read is refused when it is loaded.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(checkpoint_path(name), trust_remote_code=False)
    except Exception:  # files can be broken in any way
        return False
    return is_of_causal_model(config)


def load_measured(name: str) -> Any:
    """The language model of a checkpoint, masked or causal. Raises ValueError if there is none."""
    from hf_apt.models.loading import load_causal_lm, load_masked_lm

    return load_causal_lm(name) if is_causal_checkpoint(name) else load_masked_lm(name)


def require_next_tokens(config: RunConfig) -> None:
    """Refuse what a causal model does not take: masks, and heads, which are trained to fill masks.

    Raises ValueError if `config` asks for one of them.
    """
    if config.head_kinds:
        raise ValueError(
            "the checkpoint is a causal model, and heads are trained to fill masks: it is measured "
            "by its own head, so leave out --heads."
        )
    require_no_masks(config.measure)
