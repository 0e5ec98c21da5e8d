"""Fine-tuning a classifier on texts of natural lengths, against transformers' Trainer as it comes.

Ours fills batches with texts of about equal length and multiplies by the fastest exact library; the
model, the texts and everything else are the same.
"""

import tempfile
from pathlib import Path

import numpy as np
from transformers import DataCollatorWithPadding, PrinterCallback, Trainer, TrainingArguments

from hf_apt.data.corpora import dated_sotu_paragraphs
from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task
from hf_apt.models.encoders import Encoder, load_encoder
from hf_apt.records.shipped import checkpoint
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import finetuner
from hf_apt.training.progress import NamedProgress

from .arithmetic import has_faster_float32
from .ratio import medians, report

NUM_TEXTS, BATCH_SIZE, LENGTH = 480, 32, 128
MIDDLE = 1900
"""The year that parts the two classes."""


def run() -> bool:
    """Whether an epoch of ours is quick enough."""
    task = _task()
    encoder = load_encoder(checkpoint("bert6-narrow-wikipedia"), label_names=task.label_names)
    with tempfile.TemporaryDirectory() as folder:
        config = FinetuneConfig(
            num_epochs=1, batch_size=BATCH_SIZE, sequence_length=LENGTH, precision="fp32"
        )
        ours = finetuner(encoder, task, config, Path(folder) / "ours")
        ours.remove_callback(NamedProgress)
        stock = _stock(encoder, ours.train_dataset, folder)
        times = medians({"ours": ours.train, "stock": stock.train}, rounds=3)
    lengths = [len(row["input_ids"]) for row in ours.train_dataset]
    return report(
        "fine-tuning, 6x128, an epoch: stock Trainer / ours",
        ours=times["ours"],
        peer=times["stock"],
        at_least=1.6 if has_faster_float32() else 1.15,
        tokens=sum(lengths),
        setting=f"texts of {min(lengths)} to {max(lengths)} tokens, mean {np.mean(lengths):.0f}",
    )


def _task() -> Task:
    """Paragraphs of presidents' addresses, before and from 1900."""
    rows = list(dated_sotu_paragraphs())
    order = np.random.default_rng(0).permutation(len(rows))[: NUM_TEXTS + BATCH_SIZE]
    texts = [rows[index][1] for index in order]
    labels = np.array([rows[index][0] >= MIDDLE for index in order], np.int64)
    train, test = (
        Examples(tuple(texts[part]), labels[part])
        for part in (slice(NUM_TEXTS), slice(NUM_TEXTS, None))
    )
    return Task("addresses", train, test, ("before", "from"), {})


def _stock(encoder: Encoder, rows: list, folder: str) -> Trainer:
    arguments = TrainingArguments(
        output_dir=f"{folder}/stock",
        num_train_epochs=1,
        per_device_train_batch_size=BATCH_SIZE,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    collator = DataCollatorWithPadding(encoder.tokenizer)
    trainer = Trainer(encoder.model, arguments, collator, train_dataset=rows)  # pyright: ignore[reportArgumentType]
    trainer.remove_callback(PrinterCallback)
    return trainer
