"""Zipf-like token ids: masked as a model's inputs, on disk, and answered."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from hf_apt.data.masking import Masking, mask
from hf_apt.data.tokens import Layout, Tokens, TokensDescription


def zipf_ids(num: int, vocab_size: int, *, seed: int = 0) -> np.ndarray:
    """Token ids from 5 on, rank r drawn in proportion to 1 / r."""
    weight = 1.0 / np.arange(1, vocab_size - 4)
    generator = np.random.default_rng(seed)
    return generator.choice(np.arange(5, vocab_size), size=num, p=weight / weight.sum())


def masked_inputs(*, num_sequences: int, vocab_size: int, length: int = 128) -> dict:
    """`input_ids` and `labels` of full sequences, 15 % modified."""
    tokens_BT = zipf_ids(num_sequences * length, vocab_size).reshape(num_sequences, length)
    masking = Masking(vocab_size=vocab_size, mask_id=4, special_ids=(0, 1, 2, 3, 4))
    batch = mask(tokens_BT, np.arange(num_sequences), masking)
    return {
        "input_ids": torch.from_numpy(batch.input_ids_BT),
        "labels": torch.from_numpy(batch.labels_BT),
    }


def zipf_sequences(num: int, vocab_size: int, *, length: int = 128) -> np.ndarray:
    """Full sequences (num, length) of them, each between [CLS] and [SEP]."""
    ids_BT = zipf_ids(num * length, vocab_size).reshape(num, length)
    ids_BT[:, 0], ids_BT[:, -1] = 2, 3
    return ids_BT


@contextmanager
def written_tokens(
    ids_BT: np.ndarray, vocab_size: int, *, layout: Layout = "packed"
) -> Iterator[Tokens]:
    """These full sequences as memory-mapped tokens, on disk for as long as they are needed."""
    num, length = ids_BT.shape
    description = TokensDescription(
        vocab_size=vocab_size,
        sequence_length=length,
        layout=layout,
        num_sequences=num,
        num_tokens=ids_BT.size,
        pad_id=0,
        mask_id=4,
        special_ids=(0, 1, 2, 3, 4),
        tokenizer="none",
    )
    with tempfile.TemporaryDirectory() as folder:
        ids_BT.astype(np.uint16 if vocab_size <= 1 << 16 else np.uint32).tofile(
            Path(folder) / "ids.bin"
        )
        np.save(Path(folder) / "starts.npy", np.arange(num + 1) * length)
        (Path(folder) / "description.json").write_text(json.dumps(asdict(description)))
        yield Tokens(folder)


def answered_pairs(num: int, vocab_size: int) -> tuple[np.ndarray, np.ndarray]:
    """References and predictions, 54 % of them and more right."""
    references = zipf_ids(num, vocab_size, seed=1)
    wrong = zipf_ids(num, vocab_size, seed=2)
    right = np.random.default_rng(3).random(num) < 0.54
    return references, np.where(right, references, wrong)
