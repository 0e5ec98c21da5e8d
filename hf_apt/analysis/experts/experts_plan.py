"""What a study of experts will ask for, in sentences that can be said before any of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hf_apt.analysis.experts.arms import sizes_of
from hf_apt.analysis.experts.experts_config import ExpertsConfig
from hf_apt.analysis.experts.finetuned_parts import arms_of
from hf_apt.analysis.experts.greedy_sets import greedy_passes, num_greedy
from hf_apt.analysis.experts.opened import Opened, opened_for
from hf_apt.data.tasks.task import Task
from hf_apt.models.encoders import load_encoder


@dataclass(frozen=True)
class TaskSize:
    """How much one training on a task reads, and of which model."""

    num_texts: int
    """Training texts."""

    num_tokens: int
    """Their tokens, as they are cut."""

    num_weights: int
    """Weights of the model that a token meets; tables of embeddings are looked up and not met."""


def plan_experts(
    checkpoint: str, config: ExpertsConfig | None = None, *, task: Task | None = None
) -> list[str]:
    """What `measure_experts` would ask for, and what it takes, in sentences; nothing is asked.

    Args:
        checkpoint: as `measure_experts` takes it.
        config: as `measure_experts` takes it.
        task: as `measure_experts` takes it.

    Returns:
        A sentence for the sets of parts that are kept, and one for trainings if there are any.

    Raises:
        ValueError: as `measure_experts` before any pass over the text.
    """
    return plan_of(opened_for(checkpoint, config or ExpertsConfig(), task), task)


def plan_of(opened: Opened, task: Task | None) -> list[str]:
    """The plan of what is asked of a checkpoint, as `plan_experts` says it."""
    config, size = opened.config, None
    if task is not None and config.finetune.num_epochs:
        encoder = load_encoder(opened.checkpoint, label_names=task.label_names)
        size = task_size(encoder, task.train.texts, config.sequence_length)
    return plan_sentences(
        config,
        num_asked=len(opened.numbers),
        num_parts=opened.layer.num_parts,
        num_blocks=opened.num_blocks,
        task=size,
    )


def plan_sentences(
    config: ExpertsConfig,
    *,
    num_asked: int,
    num_parts: int,
    num_blocks: int,
    task: TaskSize | None = None,
) -> list[str]:
    """What will be asked for, and what it takes.

    Args:
        config: what is asked for.
        num_asked: parts that are asked one by one.
        num_parts: parts of the block.
        num_blocks: blocks of the model from the asked one on.
        task: the size of the task; None for no fine-tuning.

    Returns:
        A sentence for the sets of parts that are kept, and one for trainings if there are any.
    """
    arms = 1 + 2 * config.controls
    num_sets = arms * num_asked + 1 + config.num_orders * len(sizes_of(num_parts))
    greedy = num_greedy(num_parts, config)
    num_greedy_sets = greedy_passes(num_parts, greedy) if greedy else 0
    blocks = "the block" if num_blocks == 1 else f"{num_blocks} blocks"
    said = [
        f"With each of {num_sets:,} sets of parts kept, {blocks} and the model's head go over the "
        "text" + (f"; with up to {num_greedy_sets:,} more for the greedy order." if greedy else ".")
    ]
    if task is not None and config.finetune.num_epochs:
        num_arms = len(arms_of(list(range(num_asked)), num_parts))
        num = num_arms * config.finetune_seeds
        steps = -(-task.num_texts // config.finetune.batch_size) * config.finetune.num_epochs
        flops = 6.0 * task.num_weights * task.num_tokens * config.finetune.num_epochs
        said.append(
            f"{num_arms} classifiers by {config.finetune_seeds} seeds are fine-tuned: {num} "
            f"trainings of {steps:,} steps, each about {flops / 1e12:.2g} TFLOP (6 for a weight "
            f"and token), {num * flops / 1e12:.2g} in all."
        )
    return said


def task_size(encoder: Any, texts: Any, sequence_length: int) -> TaskSize:
    """How much one training of `encoder` on `texts` reads."""
    from torch import nn

    rows = encoder.encode(texts, sequence_length)
    looked_up = sum(
        each.weight.numel() for each in encoder.model.modules() if isinstance(each, nn.Embedding)
    )
    all_weights = sum(each.numel() for each in encoder.model.parameters())
    return TaskSize(len(rows), sum(map(len, rows)), all_weights - looked_up)
