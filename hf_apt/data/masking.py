"""BERT's corruption of a sequence, a pure function of (seed, epoch, example index).

A position is *modified* with probability 15 %; it then shows [MASK] (80 %), a token drawn uniformly
from the whole vocabulary (10 %), or itself (10 %). Special tokens are never modified. An example
is corrupted in the same way in the same epoch, whatever the batch, worker or process, and the
corruption of one position does not depend on the others. Tokens may have rates of their own
(`TokenRates`): the same numbers are drawn, and held against another share for each token.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Bool, Float, Integer

from hf_apt.data.draws.splitmix import STEP, mixed
from hf_apt.stats.counts import NOT_ASKED

_NOT_MODIFIED = 255
"""Treatment code of a position that was left alone; the others index `counts.TREATMENTS`."""

_BLOCK = 1 << 14
"""Positions that are drawn at once, as far as rows allow: 128 KiB a number stay in the cache."""


@dataclass(frozen=True, kw_only=True)
class Masking:
    """The law of corruption: which positions are modified, and what becomes of them.

    Raises:
        ValueError: for a rate outside (0, 1], shares below 0 or of more than 1 in all, and an id
            outside the vocabulary.
    """

    vocab_size: int
    """Replacements are drawn from all of these ids, special tokens included, as in BERT."""

    mask_id: int
    """The id of the mask token."""

    special_ids: tuple[int, ...]
    """Ids that are never modified: padding, separators, the mask token itself, unknown."""

    seed: int = 0
    """Seeds the corruption, together with epoch and example."""

    rate: float = 0.15
    """Share of the positions that are modified, above 0 and at most 1."""

    masked_share: float = 0.8
    """Share of the modified positions that show the mask token."""

    replaced_share: float = 0.1
    """Share of the modified positions that show a random token; the rest is unchanged."""

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise ValueError(f"the masking rate must be above 0 and at most 1, got {self.rate}.")
        if self.masked_share < 0 or self.replaced_share < 0:
            raise ValueError(
                f"shares must not be negative, got masked_share={self.masked_share}, "
                f"replaced_share={self.replaced_share}."
            )
        if self.masked_share + self.replaced_share > 1:
            raise ValueError(
                f"masked_share={self.masked_share} and replaced_share={self.replaced_share} "
                "add up to more than 1."
            )
        for token_id in (self.mask_id, *self.special_ids):
            if not 0 <= token_id < self.vocab_size:
                raise ValueError(
                    f"id {token_id} is outside the vocabulary of {self.vocab_size} tokens."
                )

    @cached_property
    def _special_V(self) -> Bool[np.ndarray, " vocab"]:
        special_V = np.zeros(self.vocab_size, bool)
        special_V[list(self.special_ids)] = True
        return special_V


@dataclass(frozen=True, eq=False)
class TokenRates:
    """A rate for each token id, in place of the one rate of a `Masking`.

    Raises:
        ValueError: for rates that are no row of numbers in [0, 1].
    """

    rates_V: Float[np.ndarray, " vocab"]
    """Share of the positions of each token that are modified, float64. Special tokens are never
    modified, whatever their rate."""

    def __post_init__(self) -> None:
        if self.rates_V.ndim != 1 or not ((self.rates_V >= 0) & (self.rates_V <= 1)).all():
            raise ValueError("the rates of tokens must be one row of numbers from 0 to 1.")

    @cached_property
    def _last_V(self) -> Integer[np.ndarray, " vocab"]:
        """The largest number for which a position of each token is modified; 0 for a rate of 0."""
        thresholds_V = np.ceil(self.rates_V * 2**53).astype(np.uint64) << np.uint64(11)
        return np.where(self.rates_V > 0, thresholds_V - np.uint64(1), np.uint64(0))

    def _modified(self, draw_BT: np.ndarray, tokens_BT: np.ndarray) -> np.ndarray:
        return (draw_BT <= self._last_V[tokens_BT]) & (self.rates_V > 0)[tokens_BT]


@dataclass(frozen=True)
class MaskedBatch:
    """A corrupted batch and what is asked about it."""

    input_ids_BT: Integer[np.ndarray, "batch seq"]
    """What the model sees, int64."""

    labels_BT: Integer[np.ndarray, "batch seq"]
    """The true id at modified positions, -100 elsewhere, int64."""

    treatments_BT: Integer[np.ndarray, "batch seq"]
    """0 masked, 1 replaced, 2 unchanged at modified positions, 255 elsewhere, uint8."""

    @property
    def modified_BT(self) -> Bool[np.ndarray, "batch seq"]:
        """The modified positions."""
        return self.treatments_BT != _NOT_MODIFIED


def mask(
    tokens_BT: Integer[np.ndarray, "batch seq"],
    indices_B: Integer[np.ndarray, " batch"],
    masking: Masking,
    *,
    epoch: int | Integer[np.ndarray, " batch"] = 0,
    rates: TokenRates | None = None,
) -> MaskedBatch:
    """Corrupt a batch as BERT's pre-training does; the same numbers give the same corruption.

    What becomes of a position depends on the law's seed, on the epoch, on the example's index and
    on the position alone, so that any part of the data can be computed by itself.

    Args:
        tokens_BT: true token ids, integers of shape (B, T).
        indices_B: index of each example in its data set, integers of shape (B,).
        masking: the law: which positions are modified, and what they show.
        epoch: pass over the data, from 0: one for all examples, or integers of shape (B,).
        rates: a rate for each token, in place of the law's. The numbers drawn are the same: where
            all are the law's rate, so is the batch.

    Returns:
        What the model sees, the labels and the treatments, each of shape (B, T).

    Raises:
        ValueError: for rates of another vocabulary than the law's.
    """
    if rates is not None and len(rates.rates_V) != masking.vocab_size:
        raise ValueError(
            f"there are rates of {len(rates.rates_V)} tokens, and the vocabulary has "
            f"{masking.vocab_size}: give one rate for each token id."
        )
    input_ids_BT = tokens_BT.astype(np.int64, order="C")  # `_corrupt` writes through flat views
    labels_BT = np.full(tokens_BT.shape, NOT_ASKED, np.int64)
    treatments_BT = np.full(tokens_BT.shape, _NOT_MODIFIED, np.uint8)
    batch = MaskedBatch(input_ids_BT, labels_BT, treatments_BT)
    epochs = np.atleast_1d(epoch)
    num_rows = max(_BLOCK // max(tokens_BT.shape[1], 1), 1)
    if len(tokens_BT) <= num_rows:
        _corrupt(batch, indices_B, epochs, masking, rates)
        return batch
    for start in range(0, len(tokens_BT), num_rows):
        rows = slice(start, start + num_rows)
        part = MaskedBatch(input_ids_BT[rows], labels_BT[rows], treatments_BT[rows])
        of_rows = epochs[rows] if len(epochs) > 1 else epochs
        _corrupt(part, indices_B[rows], of_rows, masking, rates)
    return batch


def _corrupt(
    batch: MaskedBatch,
    indices_B: np.ndarray,
    epochs: np.ndarray,
    masking: Masking,
    rates: TokenRates | None,
) -> None:
    """Corrupt, in place, rows that show the true ids and ask for nothing yet."""
    tokens_P = batch.input_ids_BT.reshape(-1)
    draw_BT = _draws(masking.seed, epochs, indices_B, batch.input_ids_BT.shape[1])
    if rates is None:
        places_N = np.flatnonzero(draw_BT < _threshold(masking.rate))
    else:
        places_N = np.flatnonzero(rates._modified(draw_BT, batch.input_ids_BT))
    places_N = places_N[~masking._special_V[tokens_P[places_N]]]

    # The rest is drawn at the modified positions only, from further outputs of the same stream.
    draw_N = draw_BT.reshape(-1)[places_N]
    choice_N, random_N = mixed(np.add.outer(_TWO_STEPS, draw_N))
    treatments_N = (choice_N >= _threshold(masking.masked_share)).astype(np.uint8)
    treatments_N += choice_N >= _threshold(masking.masked_share + masking.replaced_share)
    random_N %= np.uint64(masking.vocab_size)

    true_N = tokens_P[places_N]
    shown_N = np.where(treatments_N == 1, random_N.astype(np.int64), true_N)
    shown_N[treatments_N == 0] = masking.mask_id
    for all_BT, values_N in (
        (batch.input_ids_BT, shown_N),
        (batch.labels_BT, true_N),
        (batch.treatments_BT, treatments_N),
    ):
        all_BT.reshape(-1)[places_N] = values_N


_TWO_STEPS = np.arange(1, 3, dtype=np.uint64) * STEP


def _draws(seed: int, epochs: np.ndarray, indices_B: np.ndarray, length: int) -> np.ndarray:
    """One 64-bit number for each position, independent in seed, epoch, example and position."""
    if (epochs == epochs[:1]).all():  # as nearly always
        epochs = epochs[:1]
    keys = np.array([_key(seed, epoch) for epoch in epochs.tolist()], np.uint64)
    key_B = mixed(keys + indices_B.astype(np.uint64) * STEP)
    return mixed(key_B[:, None] + _position_steps(length))


_OF_SAMPLES = 1 << 40
"""Added to the seed of a masking for draws that are independent of it; larger than any seed."""


def sampling_keys(
    seed: int,
    indices_B: Integer[np.ndarray, " batch"],
    length: int,
    *,
    epoch: int | Integer[np.ndarray, " batch"] = 0,
) -> Integer[np.ndarray, "batch seq"]:
    """A 64-bit key for each position, for what is drawn there beside the corruption by that seed.

    Like the corruption it depends on seed, epoch, example and position alone.

    Returns:
        int64 keys of shape (B, `length`).
    """
    return _draws(seed + _OF_SAMPLES, np.atleast_1d(epoch), indices_B, length).view(np.int64)


@lru_cache
def _key(seed: int, epoch: int) -> int:
    """The key of an epoch, from which those of its examples are mixed."""
    key_1 = mixed(np.array([seed % 2**64], np.uint64) + STEP)
    return int(mixed(key_1 + np.array([epoch % 2**64], np.uint64) * STEP)[0])


@lru_cache(maxsize=8)
def _position_steps(length: int) -> np.ndarray:
    return np.arange(1, length + 1, dtype=np.uint64) * STEP


@lru_cache
def _threshold(share: float) -> np.uint64 | int:
    """The number below which a share of all 64-bit numbers lies, to 53 bits."""
    return 1 << 64 if share >= 1 else np.uint64(math.ceil(share * 2**53) << 11)
