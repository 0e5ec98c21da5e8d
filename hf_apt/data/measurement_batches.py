"""What a measurement asks: held-out sequences under masks that never change, or next tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hf_apt.data.masking import MaskedBatch, Masking, mask
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import Tokens
from hf_apt.stats.counts import NOT_ASKED


@dataclass(frozen=True)
class AskedBatch:
    """What a model is shown, and what is asked of it."""

    inputs: dict[str, Tensor]
    """Arguments for the trunk."""

    asked_BT: Tensor
    """The positions at which a token is asked for."""

    references_N: np.ndarray
    """The true ids at the asked positions, in row-major order."""

    sequences_N: np.ndarray
    """The number of the sequence that each asked position is in, over the whole measurement."""

    treatments_N: np.ndarray
    """What was done at the asked positions: codes of `counts.TREATMENTS`."""


class MaskedBatches:
    """The masked batches of a measurement, each with its uncorrupted tokens.

    A batch is as long as the longest of its sequences. Batches are the same however many processes
    share them, so each process makes the predictions that a single one would have made. `masking`
    is another law than that of `config`.
    """

    def __init__(self, tokens: Tokens, config: MeasureConfig, masking: Masking | None = None):
        self.tokens = tokens
        self.config = config
        self.masking = masking or tokens.masking(seed=config.seed, rate=config.masking_rate)
        self.num_sequences = min(config.num_sequences or len(tokens), len(tokens))
        self.starts = [
            (realisation, start)
            for realisation in range(config.num_realisations)
            for start in range(0, self.num_sequences, config.batch_size)
        ]

    def num_tokens(self, index: int = 0, num_parts: int = 1) -> int:
        """Number of tokens in a part, padding included."""
        lengths = np.diff(self.tokens.starts[: self.num_sequences + 1])
        batches = (
            lengths[start : start + self.config.batch_size]
            for _, start in self.starts[index::num_parts]
        )
        return sum(len(batch) * int(batch.max()) for batch in batches)

    def part(self, index: int = 0, num_parts: int = 1) -> Iterator[tuple[np.ndarray, MaskedBatch]]:
        """Every `num_parts`-th batch, from number `index` on: (tokens, masked batch)."""
        for realisation, start in self.starts[index::num_parts]:
            end = min(start + self.config.batch_size, self.num_sequences)
            indices_B = np.arange(start, end)
            tokens_BT = self.tokens.padded(indices_B, to_longest=True)
            yield tokens_BT, mask(tokens_BT, indices_B, self.masking, epoch=realisation)


class NextTokenBatches:
    """The batches of a measurement that masks nothing: each token is asked for by those before it.

    A batch is as long as the longest of its sequences, and has `input_ids`, `labels` and, where
    sequences can be short, an `attention_mask`. Labels are the tokens themselves, but -100 for
    special ones, which are never asked for.
    """

    def __init__(self, tokens: Tokens, config: MeasureConfig):
        self.tokens = tokens
        self.num_sequences = min(config.num_sequences or len(tokens), len(tokens))
        self._starts = range(0, self.num_sequences, config.batch_size)
        self._size = config.batch_size

    def num_tokens(self, index: int = 0, num_parts: int = 1) -> int:
        """Number of tokens in a part, padding included."""
        lengths = np.diff(self.tokens.starts[: self.num_sequences + 1])
        batches = (lengths[start : start + self._size] for start in self._starts[index::num_parts])
        return sum(len(batch) * int(batch.max()) for batch in batches)

    def part(
        self, index: int = 0, num_parts: int = 1
    ) -> Iterator[tuple[int, dict[str, torch.Tensor]]]:
        """Every `num_parts`-th batch, from number `index` on, after the number of its sequence."""
        for start in self._starts[index::num_parts]:
            indices_B = np.arange(start, min(start + self._size, self.num_sequences))
            yield start, self._batch(indices_B)

    def _batch(self, indices_B: np.ndarray) -> dict[str, torch.Tensor]:
        described = self.tokens.description
        tokens_BT = self.tokens.padded(indices_B, to_longest=True).astype(np.int64)
        labels_BT = np.where(np.isin(tokens_BT, described.special_ids), NOT_ASKED, tokens_BT)
        batch = {"input_ids": torch.from_numpy(tokens_BT), "labels": torch.from_numpy(labels_BT)}
        if described.layout == "first":
            lengths_B = np.diff(self.tokens.starts)[indices_B]
            present_BT = np.arange(tokens_BT.shape[1]) < lengths_B[:, None]
            batch["attention_mask"] = torch.from_numpy(present_BT.astype(np.int64))
        return batch


def asked_batch(
    tokens: Tokens, tokens_BT: np.ndarray, batch: MaskedBatch, numbers_B: np.ndarray
) -> AskedBatch:
    """What a masked batch asks of a model.

    `tokens_BT` are its uncorrupted tokens, `numbers_B` the numbers of its sequences.
    """
    return AskedBatch(
        inputs=model_inputs(tokens, tokens_BT, batch),
        asked_BT=torch.from_numpy(batch.modified_BT),
        references_N=batch.labels_BT[batch.modified_BT],
        sequences_N=numbers_B[batch.modified_BT.nonzero()[0]],
        treatments_N=batch.treatments_BT[batch.modified_BT],
    )


def model_inputs(
    tokens: Tokens, tokens_BT: np.ndarray, batch: MaskedBatch
) -> dict[str, torch.Tensor]:
    """`input_ids` of a masked batch, and an `attention_mask` where sequences can be short."""
    inputs = {"input_ids": torch.from_numpy(batch.input_ids_BT)}
    if tokens.description.layout == "first":  # packed sequences are full: attention needs no mask
        present_BT = tokens_BT != tokens.description.pad_id
        inputs["attention_mask"] = torch.from_numpy(present_BT.astype(np.int64))
    return inputs
