"""Fine-tuning an encoder on a task with the plain Trainer, as arXiv 2507.14871 does."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from jaxtyping import Float

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task
from hf_apt.models.devices import (
    has_accelerator,
    part_of_batch,
    process_state,
)
from hf_apt.models.dropout import set_dropout
from hf_apt.models.encoders import Encoder
from hf_apt.models.lora import is_adapted, with_adapter
from hf_apt.training.finetune_config import FinetuneConfig


def to_train(encoder: Encoder, config: FinetuneConfig) -> Encoder:
    """`encoder` as `config` trains it, changed in place: its dropout, and fresh adapters if any.

    Raises ValueError for a dropout that the model has no setting of.
    """
    set_dropout(encoder.model, config.dropout)
    if not config.lora_rank:
        return encoder
    adapted = with_adapter(encoder.model, config.lora_rank, seed=config.seed)
    return replace(encoder, model=cast(Any, adapted))


def finetuner(
    encoder: Encoder,
    task: Task,
    config: FinetuneConfig,
    folder: Path,
    *,
    weights_I: Float[np.ndarray, " texts"] | None = None,
) -> Any:
    """The Trainer that fine-tunes `encoder`; its own files go to `folder`.

    Where `weights_I` has a weight for each training text, the loss of a text is times its weight;
    with weights of 1 alone it is the plain Trainer, to the bit.

    Raises ValueError if the model has another number of labels than the task, if it has no adapters
    and they are asked for, if the texts do not fit it, if the batch cannot be divided among
    processes, for objectives that do not go together, or for weights of another number than the
    texts.
    """
    from transformers import DataCollatorWithPadding, TrainingArguments

    from hf_apt.training.divergence import StopWhereDiverged
    from hf_apt.training.objective_trainer import trainer_with
    from hf_apt.training.progress import name_progress

    if encoder.model.config.num_labels != task.num_labels:
        raise ValueError(
            f"the model's classifier has {encoder.model.config.num_labels} labels and the task "
            f"{task.name} has {task.num_labels}: load it with the task's label_names."
        )
    if bool(config.lora_rank) != is_adapted(encoder.model):
        raise ValueError(
            f"a rank of {config.lora_rank} is asked for, which the model does not fit: hand "
            "over what `to_train` makes of it."
        )
    if config.num_epochs < 1:
        raise ValueError(f"to fine-tune takes one epoch at least, got {config.num_epochs}.")
    set_dropout(encoder.model, config.dropout)
    part = part_of_batch(config.batch_size, process_state().num_processes)
    num_steps = -(-len(task.train) // config.batch_size) * config.num_epochs
    train, test = (
        _rows(encoder, examples, config.sequence_length) for examples in (task.train, task.test)
    )
    collator = DataCollatorWithPadding(encoder.tokenizer)
    arithmetic = _arithmetic(encoder, train, collator, config, part, num_steps)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=config.num_epochs,
        per_device_train_batch_size=part,
        per_device_eval_batch_size=part,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        train_sampling_strategy="group_by_length" if config.group_by_length else "random",
        weight_decay=config.weight_decay,
        bf16=arithmetic.is_bfloat16,
        use_cpu=not has_accelerator(),
        seed=config.seed,
        logging_steps=max(num_steps // 20, 1),
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
    )
    make: Any = trainer_with(config.objectives, arithmetic)
    if weights_I is not None and (weights_I != 1).any():
        make, train = _weighted(make, train, weights_I)
    trainer = make(
        model=encoder.model,
        args=arguments,
        train_dataset=train,
        eval_dataset=test,
        data_collator=collator,
        compute_loss_func=_loss_func(task, config),
        callbacks=[StopWhereDiverged(), *(method.callback() for method in config.methods)],
        processing_class=encoder.tokenizer if config.objectives else None,
    )
    # Classifiers of transformers take the number of items and divide by their own batch's.
    trainer.model_accepts_loss_kwargs = False
    return name_progress(trainer, f"Fine-tuning on {task.name}")


def _weighted(make: Any, rows: list, weights_I: np.ndarray) -> tuple[Any, list]:
    """What makes a Trainer that weighs examples, and the rows with their weights."""
    from hf_apt.training.losses.example_weights import WEIGHT, WithExampleWeights

    if len(rows) != len(weights_I) or not (np.isfinite(weights_I).all() and weights_I.min() >= 0):
        raise ValueError(
            f"there are {len(weights_I)} weights for {len(rows)} texts, the smallest "
            f"{weights_I.min()}: give each text a finite weight of at least 0."
        )
    kind: Any = type("_Weighted", (make.func, WithExampleWeights), {})
    weighted = [row | {WEIGHT: float(weight)} for row, weight in zip(rows, weights_I, strict=True)]
    return partial(kind, *make.args, **make.keywords), weighted


def _loss_func(task: Task, config: FinetuneConfig) -> Any:
    """What replaces the model's own loss; None where it is the cross-entropy."""
    from hf_apt.training.losses.loss_func import class_loss_func

    if config.loss is None or config.loss.is_plain:
        return None
    counts_C = np.bincount(task.train.labels, minlength=task.num_labels)
    return class_loss_func(config.loss, counts_C.tolist())


def _arithmetic(
    encoder: Encoder, rows: list, collator: Any, config: FinetuneConfig, part: int, num_steps: int
) -> Arithmetic:
    """How fine-tuning multiplies: tried on the first rows."""
    from hf_apt.training.step_arithmetic import training_arithmetic

    def loss(num_sequences: int) -> Any:
        return cast(Any, encoder.model)(**collator(rows[:num_sequences])).loss

    return training_arithmetic(
        config.precision,
        cast(Any, encoder.model),
        loss,
        num_sequences=min(part, len(rows)),
        num_steps=num_steps,
        of=config.sequence_length,
        may_round=False,
    )


def finetune(
    encoder: Encoder,
    task: Task,
    config: FinetuneConfig,
    folder: Path,
    *,
    weights_I: Float[np.ndarray, " texts"] | None = None,
) -> Float[np.ndarray, "inputs classes"]:
    """Fine-tune an encoder on a task, in place.

    Args:
        encoder: the model and its tokenizer; the model is changed.
        task: training and test texts with their labels.
        config: how it is trained.
        folder: where the Trainer works.
        weights_I: factor of each training text's loss, at least 0; 1 for all if None.

    Returns:
        The logits that the fine-tuned model gives the test texts, float32 of shape (inputs,
        classes).

    Raises:
        ValueError: if the model has another number of labels than the task, if it has no adapters
            and they are asked for, if the texts do not fit it, if there is less than one epoch, if
            the batch cannot be divided among processes, for objectives that do not go together, or
            for weights of another number than the texts.
    """
    trainer = finetuner(encoder, task, config, folder, weights_I=weights_I)
    trainer.train()
    return _test_logits(trainer)


def classify(
    encoder: Encoder, task: Task, config: FinetuneConfig, folder: Path
) -> Float[np.ndarray, "inputs classes"]:
    """The logits that `encoder` gives the test texts as it is, read as `finetune` reads them."""
    as_it_is = replace(config, num_epochs=1, lora_rank=0, dropout=None, precision="fp32")
    return _test_logits(finetuner(encoder, task, as_it_is, folder))


def _test_logits(trainer: Any) -> Float[np.ndarray, "inputs classes"]:
    """The logits of the test texts, read longest first: those of a batch are about equally long."""
    rows = trainer.eval_dataset
    order = np.argsort([-len(row["input_ids"]) for row in rows], kind="stable")
    # A Trainer that groups by length would return the logits in an order of its own.
    trainer.args.train_sampling_strategy = "random"
    read_IC = np.asarray(trainer.predict([rows[index] for index in order]).predictions, np.float32)
    trainer.model.eval()
    logits_IC = np.empty_like(read_IC)
    logits_IC[order] = read_IC
    return logits_IC


def _rows(encoder: Encoder, examples: Examples, length: int) -> list[dict[str, Any]]:
    """What a Trainer reads: a list serves as a data set."""
    encoded = encoder.encode(examples.texts, length)
    return [
        {"input_ids": ids, "labels": int(label)}
        for ids, label in zip(encoded, examples.labels, strict=True)
    ]
