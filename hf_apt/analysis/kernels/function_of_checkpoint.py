"""The logits function of a checkpoint: with a prompt, or with a fresh classification head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hf_apt.analysis.kernels.kernel_config import KernelConfig
from hf_apt.analysis.kernels.logits_function import (
    LogitsFunction,
    classifier_logits,
    prompted_logits,
)
from hf_apt.analysis.kernels.prompt import Prompt
from hf_apt.data.tokenizer import load_tokenizer, vocabulary
from hf_apt.models.checkpoint_config import is_of_causal_model
from hf_apt.models.devices import to_device
from hf_apt.models.encoders import load_encoder
from hf_apt.models.loading import load_causal_lm, load_masked_lm, require_room
from hf_apt.records.checkpoints import checkpoint_path


def open_function(
    checkpoint: str, config: KernelConfig, label_names: Sequence[str], seed: int
) -> LogitsFunction:
    """The outputs that a checkpoint gives for the labels of a task.

    Args:
        checkpoint: folder, Hub id or shipped name.
        config: says the prompt and its words, or none.
        label_names: names of the classes.
        seed: seed of a fresh head.

    Returns:
        The function, its model in float32 on this process's device.

    Raises:
        ValueError: for a checkpoint that cannot be opened, a prompt or words that do not fit it,
            and texts longer than its positions.
    """
    if config.prompt is None:
        encoder = load_encoder(checkpoint, label_names=label_names, seed=seed)
        require_room(encoder.model, len(vocabulary(encoder.tokenizer)), config.sequence_length)
        return classifier_logits(
            to_device(encoder.model), encoder.tokenizer, sequence_length=config.sequence_length
        )
    prompt = Prompt(config.prompt, config.words)
    prompt.require_classes(label_names)
    is_causal = _is_causal(checkpoint)
    tokenizer = load_tokenizer(checkpoint, needs_mask=not is_causal)
    model = load_causal_lm(checkpoint) if is_causal else load_masked_lm(checkpoint)
    require_room(model, len(vocabulary(tokenizer)), config.sequence_length)
    return prompted_logits(
        *(to_device(model), tokenizer, prompt),
        sequence_length=config.sequence_length,
        causal=is_causal,
    )


def _is_causal(checkpoint: str) -> bool:
    from transformers import AutoConfig

    try:
        config: Any = AutoConfig.from_pretrained(
            checkpoint_path(checkpoint), trust_remote_code=False
        )
    except Exception:  # files can be broken in any way: loading the model says how
        return False
    return is_of_causal_model(config)
