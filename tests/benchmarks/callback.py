"""What `AptCallback` adds to an evaluation, against the evaluation itself."""

import tempfile
from typing import Any

from transformers import (
    BertConfig,
    BertForMaskedLM,
    DataCollatorForLanguageModeling,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from hf_apt.tokenizers import SPECIAL_TOKENS, vocabulary_tokenizer
from trainer_callbacks import AptCallback

from .ratio import medians, report
from .text import zipf_ids

_VOCAB_SIZE = 8192
_NUM_ROWS, _LENGTH = 64, 128


def run() -> bool:
    """Whether seven depths of a stock BERT, 6 x 128, V = 8,192, cost at most 1.1 evaluations."""
    config = BertConfig(
        vocab_size=_VOCAB_SIZE,
        hidden_size=128,
        num_hidden_layers=6,
        num_attention_heads=2,
        intermediate_size=512,
    )
    model = BertForMaskedLM(config)
    words = (f"w{number}" for number in range(_VOCAB_SIZE - len(SPECIAL_TOKENS)))
    tokenizer = vocabulary_tokenizer([*SPECIAL_TOKENS, *words])
    ids = zipf_ids(_NUM_ROWS * _LENGTH, _VOCAB_SIZE).reshape(_NUM_ROWS, _LENGTH)
    rows = [{"input_ids": row} for row in ids.tolist()]

    def trainer(folder: str, callbacks: list[Any]) -> Trainer:
        args = TrainingArguments(
            output_dir=folder,
            per_device_eval_batch_size=8,
            use_cpu=True,
            report_to="none",
            disable_tqdm=True,
        )
        collate = DataCollatorForLanguageModeling(tokenizer)
        found = Trainer(model, args, collate, eval_dataset=rows, callbacks=callbacks)
        found.remove_callback(PrinterCallback)
        return found

    with tempfile.TemporaryDirectory() as folder:
        plain, measured = trainer(folder, []), trainer(folder, [AptCallback()])
        times = medians({"plain": plain.evaluate, "measured": measured.evaluate}, rounds=5)
        assert "eval_mean_apt_depth_6" in measured.evaluate()
    return report(
        "one Trainer.evaluate / what AptCallback adds to it for seven depths",
        ours=times["measured"] - times["plain"],
        peer=times["plain"],
        at_least=0.91,  # 1 / 1.1
    )
