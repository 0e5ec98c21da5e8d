"""The transformers model inside what a Trainer trains."""

from __future__ import annotations

from typing import Any

from accelerate.utils import extract_model_from_parallel
from transformers import PreTrainedModel


def unwrapped(model: Any) -> PreTrainedModel:
    """The transformers model in what a Trainer trains, without what PEFT or torch put around it."""
    model = extract_model_from_parallel(model, keep_torch_compile=False)
    if isinstance(model, PreTrainedModel):
        return model
    if not hasattr(model, "get_base_model"):
        return _without_mixed_adapters(model)
    if getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False):
        raise ValueError(
            "prompts that PEFT puts before the input cannot be measured: take LoRA, or measure "
            "without AptCallback and ConfusionCallback."
        )
    return model.get_base_model()


def _without_mixed_adapters(model: Any) -> Any:
    """What is inside PEFT's PeftMixedModel, which has adapters of several kinds at once.

    Anything else is returned as it is.
    """
    if not hasattr(model, "peft_config"):
        return model
    return getattr(getattr(model, "base_model", None), "model", model)
