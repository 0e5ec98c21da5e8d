"""Pre-training of BERT-6 with transformers' Trainer."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.devices import has_accelerator
from hf_apt.tokens import Tokens

if TYPE_CHECKING:
    from transformers import Trainer, TrainerCallback


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """The size of a BERT-6; the defaults are the paper's."""

    hidden_size: int = 768
    """Width of the hidden states."""

    num_heads: int = 12
    """Attention heads in each block."""

    num_blocks: int = 6
    """Transformer blocks."""

    dropout: float = 0.1
    """Of hidden states and attention, in training."""

    @property
    def intermediate_size(self) -> int:
        """Width inside the feed-forward layers: four times the hidden size, as in BERT."""
        return 4 * self.hidden_size


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """How to train; the defaults are those of arXiv 2507.14871's code, but for the warm-up."""

    num_steps: int
    """Optimiser steps."""

    batch_size: int = 32
    """Sequences in a step, over all processes and accumulation steps."""

    accumulation_steps: int = 1
    """Parts into which each process cuts its share of a batch."""

    learning_rate: float = 5e-5
    """The peak."""

    warmup_share: float = 0.01
    """Share of the steps in which the rate rises; it falls linearly to 0 afterwards."""

    weight_decay: float = 0.01
    """AdamW's."""

    beta2: float = 0.999
    """AdamW's second decay."""

    masking_rate: float = 0.15
    """Share of the positions that are modified."""

    seed: int = 42
    """Of weights, order, masks and dropout."""

    save_every: int = 1000
    """Steps between checkpoints to resume from."""

    compile: bool = False
    """Whether to compile the model (torch.compile)."""

    report_to: tuple[str, ...] = ()
    """Trackers: `tensorboard`, `trackio`, or any other that the Trainer knows."""

    num_validation_sequences: int = 256
    """Held-out sequences on which the loss is computed, with masks that never change."""


def new_model(shape: ModelShape, tokens: Tokens, *, seed: int) -> Any:
    """A BERT-6 for masked language modelling with fresh weights, drawn from `seed`."""
    import torch

    from hf_apt.bert6 import Bert6Config, Bert6ForMaskedLM

    if shape.hidden_size % shape.num_heads:
        raise ValueError(
            f"hidden size {shape.hidden_size} is no multiple of {shape.num_heads} heads."
        )
    config = Bert6Config(
        vocab_size=tokens.description.vocab_size,
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.num_blocks,
        num_attention_heads=shape.num_heads,
        intermediate_size=shape.intermediate_size,
        hidden_dropout_prob=shape.dropout,
        attention_probs_dropout_prob=shape.dropout,
        max_position_embeddings=tokens.description.sequence_length,
        pad_token_id=tokens.description.pad_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Bert6ForMaskedLM(config)


def untrained_twin(model: Any, *, seed: int = 0) -> Any:
    """A model of the same class and configuration with fresh weights, drawn from `seed`."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return type(model)(model.config).eval()


def pretrainer(
    model: Any,
    train: Tokens,
    validation: Tokens,
    config: PretrainConfig,
    folder: Path,
    *,
    callbacks: Sequence[TrainerCallback] = (),
) -> Trainer:
    """The Trainer that pre-trains `model`; its own files go to `folder`.

    Raises ValueError if the batch cannot be divided among processes and accumulation steps.
    """
    import torch
    from transformers import Trainer, TrainingArguments

    from hf_apt.examples import FixedDraws, TrainingDraws, as_batch
    from hf_apt.progress import name_progress

    num_parts = int(os.environ.get("WORLD_SIZE", "1")) * config.accumulation_steps
    if config.batch_size % num_parts:
        raise ValueError(
            f"a batch of {config.batch_size} sequences cannot be divided into {num_parts} equal "
            "parts (processes x accumulation steps)."
        )
    on_gpu = torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=config.num_steps,
        per_device_train_batch_size=config.batch_size // num_parts,
        per_device_eval_batch_size=min(config.batch_size, 32),
        gradient_accumulation_steps=config.accumulation_steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(config.warmup_share * config.num_steps),
        weight_decay=config.weight_decay,
        adam_beta2=config.beta2,
        train_sampling_strategy="sequential",  # TrainingDraws is shuffled already
        prediction_loss_only=True,
        remove_unused_columns=False,
        bf16=on_gpu and torch.cuda.is_bf16_supported(),
        torch_compile=config.compile,
        use_cpu=not has_accelerator(),
        seed=config.seed,
        eval_strategy="steps",
        eval_steps=max(config.num_steps // 10, 1),
        logging_steps=max(min(config.num_steps // 50, 100), 1),
        save_strategy="steps",
        save_steps=config.save_every,
        save_total_limit=2,
        report_to=list(config.report_to) or "none",
        project="hf_apt",
        run_name=folder.resolve().parent.name,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=TrainingDraws(
            train,
            train.masking(seed=config.seed, rate=config.masking_rate),
            num_draws=config.num_steps * config.batch_size,
        ),
        # Not the seed of training: its first epoch must not hold the masks of the evaluation.
        eval_dataset=FixedDraws(
            validation,
            validation.masking(seed=config.seed + 1),
            num_sequences=config.num_validation_sequences,
        ),
        data_collator=as_batch,
        callbacks=list(callbacks),
    )
    return name_progress(trainer, "Pre-training")


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint in a Trainer's folder that was written to its end, if any.

    The Trainer writes `trainer_state.json` last: a checkpoint without it was cut off by a kill.
    """
    checkpoints = sorted(
        folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True
    )
    for checkpoint in checkpoints:
        try:
            json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            continue
        return checkpoint
    return None


def pretrain(trainer: Trainer) -> dict[str, float]:
    """Train to the end, from the last whole checkpoint where there is one.

    Returns `num_steps`, `seconds` (of this process alone), `train_loss` (the last one logged) and
    `validation_loss`, both in nats a modified token.
    """
    checkpoint = last_checkpoint(Path(trainer.args.output_dir))
    result = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {
        "num_steps": result.global_step,
        "seconds": round(result.metrics["train_runtime"], 1),
        "train_loss": losses[-1] if losses else result.training_loss,
        "validation_loss": trainer.evaluate()["eval_loss"],
    }
