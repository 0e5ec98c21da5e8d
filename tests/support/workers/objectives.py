"""Short trainings with objectives, which write down the gradients of every step and what is logged.

Run by tests in their own process; as a script, under torchrun, with a JSON list of `trained`'s
arguments.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from hf_apt.cli.objectives import objectives_of
from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task
from hf_apt.data.tokenizer import load_tokenizer
from hf_apt.data.tokens import Tokens
from hf_apt.models.encoders import load_encoder
from hf_apt.models.fresh import new_model
from hf_apt.models.generator_shape import HEADS, GeneratorShape
from hf_apt.models.shapes import ModelShape
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import finetuner
from hf_apt.training.objective_trainer import trainer_with
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.pretraining import pretrainer

NUM_STEPS = 3
BATCH_SIZE = 8
NUM_CLASSES = 3
TERMS = (
    *("confidence_penalty", "graph_pairs", "masked_pairs", "proximal", "r_drop", "rademacher"),
    *("smoothness", "token_contrast", *HEADS),
)


class GradientsKept(TrainerCallback):
    """Keeps the gradients of every step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, np.ndarray]] = []

    def on_pre_optimizer_step(self, args, state, control, *, model, **kwargs):
        self.steps.append(
            {
                name.removeprefix("module."): weight.grad.numpy().copy()
                for name, weight in model.named_parameters()
                if weight.grad is not None
            }
        )


def classifier(dropout: float = 0.0) -> Any:
    """A BERT of two blocks with fresh weights, larger than usual so that answers differ."""
    config = BertConfig(
        vocab_size=65,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
        num_labels=NUM_CLASSES,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        initializer_range=0.2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return BertForSequenceClassification(config)


def texts(num: int = NUM_STEPS * BATCH_SIZE, *, unasked: bool = True) -> list[dict[str, Any]]:
    """Texts of eight tokens; where `unasked`, every fifth has no label."""
    generator = np.random.default_rng(1)
    return [
        {
            "input_ids": [2, *generator.integers(5, 65, 6).tolist(), 3],
            "labels": -100 if unasked and not number % 5 else int(generator.integers(NUM_CLASSES)),
        }
        for number in range(num)
    ]


def stacked(batch: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor([row[name] for row in batch]) for name in batch[0]}


def mean_of_step(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> Any:
    """A `compute_loss_func` that divides by what it is given."""
    return cross_entropy(outputs.logits, labels, reduction="sum") / num_items_in_batch


def classifying(
    folder: str,
    objectives: Sequence[Any],
    *,
    accumulation_steps: int = 1,
    dropout: float = 0.0,
    model: Any = None,
    compute_loss_func: Any = mean_of_step,
    rows: list[dict[str, Any]] | None = None,
    trainer: Any = None,
    **changed: Any,
) -> Trainer:
    """A Trainer of `NUM_STEPS` steps by gradient descent on `texts`."""
    num_parts = int(os.environ.get("WORLD_SIZE", "1")) * accumulation_steps
    arguments = {
        "output_dir": folder,
        "max_steps": NUM_STEPS,
        "per_device_train_batch_size": BATCH_SIZE // num_parts,
        "gradient_accumulation_steps": accumulation_steps,
        "train_sampling_strategy": "sequential",
        "learning_rate": 0.05,
        "optim": "sgd",
        "max_grad_norm": 0.0,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "disable_tqdm": True,
        "seed": 5,
    }
    return (trainer or trainer_with(objectives))(
        model=model or classifier(dropout),
        args=TrainingArguments(**arguments | changed),
        train_dataset=rows or texts(),
        eval_dataset=rows or texts(),
        data_collator=stacked,
        compute_loss_func=compute_loss_func,
    )


def pretraining(
    folder: str,
    tokens: str,
    objectives: Sequence[Any],
    *,
    accumulation_steps: int = 1,
    dropout: float = 0.0,
    save_every: int = 1000,
    num_steps: int = NUM_STEPS,
    tokenizer: Any = None,
    shape: Mapping[str, Any] | None = None,
    **changed: Any,
) -> Trainer:
    """A Trainer of a BERT-6 of two blocks, with a generator where its objectives need one.

    `shape` holds further fields of its `ModelShape`, with lists for tuples.
    """
    heads = tuple(each.name for each in objectives if each.name in HEADS)
    held = Tokens(Path(tokens))
    config = PretrainConfig(
        num_steps=num_steps,
        batch_size=BATCH_SIZE,
        accumulation_steps=accumulation_steps,
        learning_rate=1e-2,
        save_every=save_every,
        seed=5,
        num_validation_sequences=8,
        objectives=tuple(objectives),
        **changed,
    )
    further = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in (shape or {}).items()
    }
    whole_shape = ModelShape(
        hidden_size=16,
        num_heads=2,
        num_blocks=2,
        dropout=dropout,
        initializer_range=0.3,
        generator=GeneratorShape(heads=heads) if heads else None,
        **further,
    )
    model = new_model(whole_shape, held, seed=5)
    if isinstance(tokenizer, str):
        tokenizer = load_tokenizer(tokenizer)
    trainer = pretrainer(model, held, held, config, Path(folder), tokenizer=tokenizer)
    trainer.args.max_grad_norm = 0.0
    return trainer


def finetuning(folder: str, checkpoint: str, objectives: Sequence[Any]) -> Trainer:
    """A Trainer for a task of two classes whose texts are all of one length."""
    words = np.random.default_rng(2).integers(0, 60, (NUM_STEPS * BATCH_SIZE, 5))
    lines = [" ".join(f"w{word}" for word in row) for row in words]
    examples = Examples(lines, words[:, 0] % 2)
    task = Task("kinds", examples, examples, ("a", "b"), {})
    encoder = load_encoder(checkpoint, label_names=task.label_names)
    for module in encoder.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    config = FinetuneConfig(
        num_epochs=1,
        batch_size=BATCH_SIZE,
        sequence_length=16,
        learning_rate=1e-3,
        objectives=tuple(objectives),
    )
    trainer = finetuner(encoder, task, config, Path(folder))
    trainer.args.max_grad_norm = 0.0
    return trainer


KINDS = {"pretraining": pretraining, "classifying": classifying, "finetuning": finetuning}


def trained(
    kind: str, folder: str, objectives: Sequence[str], **options: Any
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Gradients by step and weight, and what was logged in training by step and name."""
    gradients = GradientsKept()
    trainer = KINDS[kind](folder=folder, objectives=objectives_of(objectives), **options)
    trainer.add_callback(gradients)
    trainer.train()
    kept = {
        f"{step}.{name}": gradient
        for step, of_step in enumerate(gradients.steps)
        for name, gradient in of_step.items()
    }
    return kept, logged(trainer)


def logged(trainer: Trainer) -> dict[str, float]:
    """The loss and its terms in training, by step."""
    return {
        f"{entry['step']}.{name}": value
        for entry in trainer.state.log_history
        if "loss" in entry
        for name, value in entry.items()
        if name == "loss" or name.startswith(TERMS)
    }


if __name__ == "__main__":
    for number, asked in enumerate(json.loads(sys.argv[1])):
        kept, logs = trained(**asked)
        file = Path(asked["folder"]) / f"{number}-{os.environ['RANK']}"
        np.savez(f"{file}.npz", **kept)
        Path(f"{file}.json").write_text(json.dumps(logs))
