"""Training of span models and of taggers of words, by the same Trainer with the same settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_apt.models.devices import has_accelerator, part_of_batch, process_state
from hf_apt.spans.span_draws import SpanCollator, SpanDraws
from hf_apt.spans.span_model import SpanModel
from hf_apt.spans.type_loss import TypeLoss
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.objective import Objective

if TYPE_CHECKING:
    from transformers import Trainer


@dataclass(frozen=True, kw_only=True)
class TrainingWays:
    """How a training is divided, and whether it can be gone on with."""

    accumulation_steps: int = 1
    """Parts of a batch in each process, one after the other."""

    save_every: int | None = None
    """Steps between two checkpoints; None for none."""

    num_steps: int | None = None
    """Steps of a training whose data do not say it; None for one pass over the data."""


def span_trainer(
    model: SpanModel,
    draws: SpanDraws,
    config: FinetuneConfig,
    folder: Path,
    ways: TrainingWays | None = None,
) -> Trainer:
    """The Trainer of a span model; its own files go to `folder`.

    The loss of an optimiser step is the mean over its rows of the cross-entropy of being a mention,
    or of `config.loss`, plus the mean over its mentions of that of the type; each over the whole
    step, however it is divided over accumulation steps and processes. The objectives of `config`
    are about the answer whether a span is a mention.

    Raises ValueError for adapters, if the batch cannot be divided, for draws that do not fill the
    last batch of several processes, and for objectives that do not go together or are not for such
    a model.
    """
    num_processes = process_state().num_processes
    if num_processes > 1 and len(draws) % config.batch_size:
        raise ValueError(
            f"{len(draws)} rows are no whole batches of {config.batch_size}, and {num_processes} "
            "processes would read some twice: make SpanDraws with multiple_of=batch_size."
        )
    labels = [draws[index]["labels"] for index in range(draws.num_in_epoch)]
    return _trainer(
        model,
        draws,
        config,
        folder,
        ways or TrainingWays(),
        collator=SpanCollator(model.config.pad_token_id or 0),
        counts=np.bincount(labels, minlength=2).tolist(),
        objectives=(TypeLoss(per_row=model.is_merged),),
        label="Training on spans",
    )


def tag_trainer(
    model: Any,
    rows: Sequence[dict[str, Any]],
    config: FinetuneConfig,
    folder: Path,
    *,
    pad_id: int,
    ways: TrainingWays | None = None,
) -> Trainer:
    """The Trainer of a tagger of words (`AutoModelForTokenClassification`), as `span_trainer`.

    `rows` have `input_ids` and for each token a label, -100 where it is not asked.
    """
    from hf_apt.spans.token_tags import TagCollator

    asked = [label for row in rows for label in row["labels"] if label >= 0]
    return _trainer(
        model,
        list(rows),
        config,
        folder,
        ways or TrainingWays(),
        collator=TagCollator(pad_id),
        counts=np.bincount(asked, minlength=model.config.num_labels).tolist(),
        objectives=(),
        label="Training on words",
    )


def _trainer(
    model: Any,
    data: Any,
    config: FinetuneConfig,
    folder: Path,
    ways: TrainingWays,
    *,
    collator: Any,
    counts: list[int],
    objectives: tuple[Objective, ...],
    label: str,
) -> Trainer:
    from transformers import TrainingArguments

    from hf_apt.training.divergence import StopWhereDiverged
    from hf_apt.training.losses.loss_func import class_loss_func
    from hf_apt.training.objective_trainer import trainer_with
    from hf_apt.training.progress import name_progress
    from hf_apt.training.step_arithmetic import training_arithmetic

    require_trainable(config)
    is_in_order = isinstance(data, SpanDraws)
    num_parts = process_state().num_processes * ways.accumulation_steps
    part = part_of_batch(config.batch_size, num_parts)
    num_steps = ways.num_steps or -(-len(data) // config.batch_size)

    def loss(num_sequences: int) -> Any:
        return model(**collator([data[index] for index in range(num_sequences)])).loss

    arithmetic = training_arithmetic(
        config.precision,
        model,
        loss,
        num_sequences=min(part, len(data)),
        num_steps=num_steps,
        of=config.sequence_length,
        folder=folder if ways.save_every else None,
        may_round=False,
    )
    by_length = "group_by_length" if config.group_by_length else "random"
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=num_steps,
        per_device_train_batch_size=part,
        gradient_accumulation_steps=ways.accumulation_steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        # Draws of spans are shuffled already.
        train_sampling_strategy="sequential" if is_in_order else by_length,
        weight_decay=config.weight_decay,
        bf16=arithmetic.is_bfloat16,
        use_cpu=not has_accelerator(),
        seed=config.seed,
        logging_steps=max(num_steps // 20, 1),
        logging_nan_inf_filter=False,
        save_strategy="steps" if ways.save_every else "no",
        save_steps=ways.save_every or 500,
        report_to="none",
    )
    trainer = trainer_with((*objectives, *config.objectives), arithmetic)(
        model=model,
        args=arguments,
        train_dataset=data,
        data_collator=collator,
        compute_loss_func=class_loss_func(config.loss, counts),
        callbacks=[StopWhereDiverged(), *(method.callback() for method in config.methods)],
    )
    return name_progress(trainer, label)


def require_trainable(config: FinetuneConfig) -> None:
    """Raise ValueError for settings of fine-tuning that span models and taggers do not take."""
    if config.num_epochs < 1:
        raise ValueError(
            f"heads that are fresh learn for one epoch at least, got {config.num_epochs}."
        )
    if config.lora_rank:
        raise ValueError(
            f"names are found by encoders that are trained whole: leave out the rank of "
            f"{config.lora_rank} (--lora-rank)."
        )
