"""Texts as batches of token ids, each cut to a length: what analyses show to a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor


@dataclass(frozen=True)
class TextBatch:
    """Texts in one forward pass."""

    ids_BT: Tensor
    """Token ids, padded at the end."""

    present_BT: Tensor
    """1 at tokens, 0 at padding."""

    own_BT: Tensor
    """Whether a token is the text's own: neither special nor padding."""

    numbers_B: Int[np.ndarray, " texts"]
    """The number of each text, from 0."""

    def inputs(self, device: torch.device) -> dict[str, Tensor]:
        """What a model takes by name."""
        return {"input_ids": self.ids_BT.to(device), "attention_mask": self.present_BT.to(device)}


class EncodedTexts:
    """Texts as token ids with the tokenizer's special tokens, cut to a length.

    Args:
        tokenizer: the tokenizer of a model.
        texts: the texts, none empty.
        sequence_length: tokens that a text is cut to, special ones included.

    Raises:
        ValueError: for no text, one that is empty or no string, and one without a token of its own.
    """

    def __init__(self, tokenizer: Any, texts: Sequence[str], sequence_length: int):
        require_texts(texts)
        encoded = tokenizer(
            list(texts),
            truncation=True,
            max_length=sequence_length,
            return_special_tokens_mask=True,
            verbose=False,
        )
        self.rows: list[list[int]] = encoded["input_ids"]
        """The ids of each text."""
        self.own: list[list[bool]] = [
            [not each for each in row] for row in encoded["special_tokens_mask"]
        ]
        """Which of them are the text's own."""
        for number, row in enumerate(self.own, 1):
            if not any(row):
                raise ValueError(f"text {number} has no token of its own: leave it out.")
        self._pad_id = tokenizer.pad_token_id or 0

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def longest(self) -> int:
        """Tokens of the longest text."""
        return max(map(len, self.rows))

    @property
    def num_own(self) -> int:
        """The texts' own tokens."""
        return sum(map(sum, self.own))

    def batches(self, batch_size: int, numbers: Sequence[int] | None = None) -> Iterator[TextBatch]:
        """The texts of these numbers, all by default, longest first, so that padding is short."""
        chosen = range(len(self.rows)) if numbers is None else numbers
        order = sorted(chosen, key=lambda number: -len(self.rows[number]))
        for start in range(0, len(order), batch_size):
            yield self.batch(order[start : start + batch_size])

    def batch(self, numbers: Sequence[int]) -> TextBatch:
        """The texts of these numbers, in that order."""
        shape = (len(numbers), max(len(self.rows[number]) for number in numbers))
        ids_BT, present_BT = torch.full(shape, self._pad_id), torch.zeros(shape, dtype=torch.long)
        own_BT = torch.zeros(shape, dtype=torch.bool)
        for row, number in enumerate(numbers):
            length = len(self.rows[number])
            ids_BT[row, :length] = torch.tensor(self.rows[number])
            present_BT[row, :length] = 1
            own_BT[row, :length] = torch.tensor(self.own[number])
        return TextBatch(ids_BT, present_BT, own_BT, np.array(numbers))


def require_texts(texts: Sequence[str], *, to: str = "read") -> None:
    """Raise ValueError for no text, for one that is empty or no string, and for a bare string.

    `to` says what the texts are for.
    """
    if isinstance(texts, str):
        raise ValueError("texts must be a list of texts, not one string: put it in a list.")
    if not len(texts):
        raise ValueError(f"there is no text to {to}: give some.")
    for number, text in enumerate(texts, 1):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"text {number} is empty or no text: leave it out.")
