"""Zipf-like token ids, masked, as a model's inputs."""

import numpy as np
import torch

from hf_apt.masking import Masking, mask


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


def answered_pairs(num: int, vocab_size: int) -> tuple[np.ndarray, np.ndarray]:
    """References and predictions, 54 % of them and more right."""
    references = zipf_ids(num, vocab_size, seed=1)
    wrong = zipf_ids(num, vocab_size, seed=2)
    right = np.random.default_rng(3).random(num) < 0.54
    return references, np.where(right, references, wrong)
