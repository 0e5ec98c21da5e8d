"""Trains a classifier under FeatureDriftCallback as one of torchrun's processes, whole and cut.

A script: `feature_drift.py FOLDER`. It writes down the figures of the training whose weights are
whole, and what is said of weights that `fully_shard` or the Trainer's own FSDP cut.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from small_functions import sizes
from torch.distributed.fsdp import fully_shard
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from trainer_callbacks import FeatureDriftCallback

ROWS = [
    {"input_ids": [2, 5 + n, 6 + n % 3, 3], "attention_mask": [1] * 4, "labels": n % 3}
    for n in range(8)
]


def classifier() -> Any:
    """Without dropout: its random numbers differ between processes."""
    torch.manual_seed(0)
    dropout = dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), 0.0)
    return BertForSequenceClassification(BertConfig(**sizes(65), **dropout, num_labels=3))


def trainer(folder: str, model: Any, num_processes: int) -> Trainer:
    """All eight rows a step, whatever the number of processes: their order does not matter."""
    arguments = TrainingArguments(
        folder,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        optim="sgd",  # Adam makes steps of the signs of rounding
        learning_rate=0.5,
        # Else the Trainer takes the loss of classes times the number of processes.
        average_tokens_across_devices=False,
        eval_strategy="steps",
        eval_steps=2,
        max_steps=4,
        per_device_train_batch_size=8 // num_processes,
    )
    rows: Any = ROWS
    return Trainer(
        model=model,
        args=arguments,
        train_dataset=rows,
        eval_dataset=rows[:4],
        callbacks=[FeatureDriftCallback()],
    )


def drift(run: Trainer) -> list[float]:
    run.train()
    logged = [each for each in run.state.log_history if "eval_feature_drift" in each]
    return [each["eval_feature_drift"] for each in logged]


def refusal(run: Trainer) -> str:
    try:
        run.callback_handler.on_train_begin(run.args, run.state, run.control)
    except ValueError as error:
        return str(error)
    return "nothing"


if __name__ == "__main__":
    figures = drift(trainer(sys.argv[1], classifier(), 2))
    model = classifier()
    cut = trainer(sys.argv[1], model, 2)
    fully_shard(model)
    by_trainer = trainer(sys.argv[1], classifier(), 2)
    by_trainer.args.fsdp = "full_shard"
    told = {"drift": figures, "refused": [refusal(cut), refusal(by_trainer)]}
    path = Path(sys.argv[1]) / f"{os.environ['RANK']}.json"
    path.write_text(json.dumps(told))
