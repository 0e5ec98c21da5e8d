"""Which words a head over pairs tells apart: the most frequent tokens of the training text."""
# K words, V vocabulary.

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Int

MOST_ROWS = 10_000
"""Rows that are read of a data set that is not of this package's own tokens."""


def frequent_words(
    frequency_V: Int[np.ndarray, " vocab"], num: int, special_ids: Iterable[int]
) -> Int[np.ndarray, " words"]:
    """The ids of the `num` most frequent tokens that are no special ones, the most frequent first.

    Of equally frequent ones the lower id comes first; tokens that do not occur are left out, so
    that there may be fewer.
    """
    frequency_V = np.array(frequency_V, np.int64)
    frequency_V[[each for each in special_ids if each < len(frequency_V)]] = 0
    order_V = np.argsort(-frequency_V, kind="stable")
    return order_V[: min(num, int((frequency_V > 0).sum()))]


def token_counts(dataset: Any, vocab_size: int, name: str) -> Int[np.ndarray, " vocab"]:
    """How often each token id occurs in a Trainer's data set.

    The tokens of `hf_apt.data.training_draws.TrainingDraws` are counted whole; of another data set
    with `input_ids` in its rows the first `MOST_ROWS`.

    Raises ValueError for a data set that has no such rows, or no length. `name` is what needs them.
    """
    tokens = getattr(dataset, "tokens", None)
    if tokens is not None and hasattr(tokens, "frequency"):
        return tokens.frequency()
    counts_V = np.zeros(vocab_size, np.int64)
    try:
        for number in range(min(len(dataset), MOST_ROWS)):
            ids_T = np.asarray(dataset[number]["input_ids"]).reshape(-1)
            counts_V += np.bincount(ids_T, minlength=vocab_size)
    except (TypeError, KeyError, IndexError, NotImplementedError) as error:
        raise ValueError(
            f"{name} tells the most frequent words apart, and the training data, a "
            f"{type(dataset).__name__}, have no rows with input_ids that can be counted: give a "
            "data set with a length and that column."
        ) from error
    return counts_V
