"""A checkpoint that can be asked for its parts: all that is refused is refused here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hf_apt.analysis.experts.arms import numbers_of
from hf_apt.analysis.experts.block_calls import WritingLayer, writing_layer
from hf_apt.analysis.experts.experts_config import ExpertsConfig
from hf_apt.data.measure_config import require_no_masks
from hf_apt.data.tasks.task import Task
from hf_apt.data.tokenizer import load_tokenizer
from hf_apt.depths.measurement import predicts_next_tokens
from hf_apt.depths.trunk import Trunk
from hf_apt.models.checkpoint_config import is_of_causal_model
from hf_apt.models.devices import process_state, to_device
from hf_apt.models.loading import load_causal_lm, load_masked_lm, require_room
from hf_apt.records.checkpoints import checkpoint_path, pinned


@dataclass(frozen=True)
class Opened:
    """A model, and which of its parts are asked."""

    checkpoint: str
    """The checkpoint, with its revision."""

    model: Any
    """The language model, on this process's device."""

    tokenizer: Any
    """The tokenizer of the language model."""

    layer: WritingLayer
    """The layer that the parts write by."""

    block: int
    """Number of the block, from 1."""

    num_blocks: int
    """Blocks from that one on."""

    numbers: list[int]
    """The parts that are asked one by one, from 0."""

    config: ExpertsConfig
    """What is asked of them."""


def opened_for(checkpoint: str, config: ExpertsConfig, task: Task | None) -> Opened:
    """The checkpoint, for what is asked of it.

    Raises ValueError for a model without such parts, a block or part that it does not have, epochs
    of fine-tuning without a task, a task of a causal model, what cannot be read, and under several
    processes.
    """
    if process_state().num_processes > 1:
        raise ValueError("experts are found by one process: run it without a launcher.")
    if config.finetune.num_epochs and task is None:
        raise ValueError(
            f"{config.finetune.num_epochs} epochs of fine-tuning are asked for and no task: name a "
            "task, or leave the epochs at 0."
        )
    checkpoint = pinned(checkpoint)
    model = to_device(_loaded(checkpoint))
    trunk = Trunk(model)
    block = config.block or trunk.num_depths - 1
    layer = writing_layer(trunk, block, config.parts)
    numbers = numbers_of(layer, config)
    if predicts_next_tokens(model):
        require_no_masks(config.measure)
        if task is not None:
            raise ValueError("tasks are for encoders, and the model is causal: leave it out.")
    tokenizer = load_tokenizer(checkpoint, needs_mask=not predicts_next_tokens(model))
    require_room(model, len(tokenizer), config.sequence_length)
    num_blocks = trunk.num_depths - block
    return Opened(checkpoint, model, tokenizer, layer, block, num_blocks, numbers, config)


def _loaded(checkpoint: str) -> Any:
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(checkpoint_path(checkpoint), trust_remote_code=False)
        is_causal = is_of_causal_model(config)
    except Exception:  # it is refused, with its reason, when it is loaded
        is_causal = False
    return load_causal_lm(checkpoint) if is_causal else load_masked_lm(checkpoint)
