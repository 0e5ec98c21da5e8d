"""Masked batches from memory-mapped tokens, against transformers' collator."""

import tempfile
from pathlib import Path

import numpy as np
from transformers import DataCollatorForLanguageModeling

from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.data.tokens import write_tokens
from hf_apt.data.training_draws import TrainingDraws

from .ratio import medians, report


def run() -> bool:
    """Whether our loader is quick enough: 64 batches of 32 x 128 tokens."""
    words = [f"w{number}" for number in range(5000)]
    tokenizer = vocabulary_tokenizer([*SPECIAL_TOKENS, *words])
    generator = np.random.default_rng(0)
    texts = [" ".join(generator.choice(words, 126)) for _ in range(2048)]
    with tempfile.TemporaryDirectory() as folder:
        tokens = write_tokens(
            Path(folder) / "tokens", texts, tokenizer, sequence_length=128, layout="first"
        )
        draws = TrainingDraws(tokens, tokens.masking(seed=0), num_draws=2048)
        collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
        rows = [{"input_ids": list(map(int, row))} for row in tokens.padded(np.arange(2048))]

        def ours() -> None:
            for start in range(0, 2048, 32):
                draws.__getitems__(list(range(start, start + 32)))

        def stock() -> None:
            for start in range(0, 2048, 32):
                collator(rows[start : start + 32])

        times = medians({"ours": ours, "stock": stock}, rounds=3)
    return report(
        "loading: DataCollatorForLanguageModeling / ours",
        ours=times["ours"],
        peer=times["stock"],
        at_least=15.0,
    )
