"""transformers' own Trainer with its own collator, on sequences in memory: what others run."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from transformers import (
    DataCollatorForLanguageModeling,
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer


@contextmanager
def stock_trainer(
    model: PreTrainedModel, ids_BT: np.ndarray, callbacks: Any = (), **arguments: Any
) -> Iterator[Trainer]:
    """A silent Trainer that trains and evaluates `model` on these sequences, masked as it goes."""
    words = (f"w{number}" for number in range(model.config.vocab_size - len(SPECIAL_TOKENS)))
    tokenizer = vocabulary_tokenizer([*SPECIAL_TOKENS, *words])
    rows = [{"input_ids": row} for row in ids_BT.tolist()]
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model,
            TrainingArguments(
                output_dir=folder,
                use_cpu=True,
                report_to="none",
                disable_tqdm=True,
                **arguments,
            ),
            DataCollatorForLanguageModeling(tokenizer),
            train_dataset=rows,  # pyright: ignore[reportArgumentType]
            eval_dataset=rows,  # pyright: ignore[reportArgumentType]
            callbacks=list(callbacks),
        )
        trainer.remove_callback(PrinterCallback)
        yield trainer
