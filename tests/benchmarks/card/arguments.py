"""How a Trainer is set up to be timed."""

from __future__ import annotations

from pathlib import Path

from transformers import TrainingArguments

from .sizes import DEVICE, Sizes


def trainer_arguments(folder: Path, sizes: Sizes, *, batch: int, steps: int) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=batch,
        learning_rate=1e-4,
        bf16=DEVICE.type == "cuda",
        use_cpu=DEVICE.type == "cpu",
        train_sampling_strategy="sequential",
        prediction_loss_only=True,
        remove_unused_columns=False,
        dataloader_num_workers=4 if DEVICE.type == "cuda" else 0,
        logging_nan_inf_filter=False,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
