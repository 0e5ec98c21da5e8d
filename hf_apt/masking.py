"""BERT's corruption of a sequence, a pure function of (seed, epoch, example index).

A position is *modified* with probability 15 %; it then shows [MASK] (80 %), a token drawn uniformly
from the whole vocabulary (10 %), or itself (10 %). Special tokens are never modified. Whatever the
batch, worker or process, the same example is corrupted alike in the same epoch, and the corruption
of one position does not depend on the others.
"""
# B examples, T sequence positions.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Integer

NOT_ASKED = -100
"""The label of a position that is not asked for, as everywhere in transformers."""

_NOT_MODIFIED = 255
"""Treatment code of a position that was left alone; the others index `counts.TREATMENTS`."""


@dataclass(frozen=True, kw_only=True)
class Masking:
    """The law of corruption: which positions, and what becomes of them."""

    vocab_size: int
    """Replacements are drawn from all of these ids, special tokens included, as in BERT."""

    mask_id: int
    """The id of the mask token."""

    special_ids: tuple[int, ...]
    """Ids that are never modified: padding, separators, the mask token itself, unknown."""

    seed: int = 0
    """Part of what the corruption is a function of."""

    rate: float = 0.15
    """Share of the positions that are modified."""

    masked_share: float = 0.8
    """Share of the modified positions that show the mask token."""

    replaced_share: float = 0.1
    """Share of the modified positions that show a random token; the rest is unchanged."""

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise ValueError(f"the masking rate lies between 0 and 1, got {self.rate}.")
        if self.masked_share < 0 or self.replaced_share < 0:
            raise ValueError(
                f"shares are not negative, got masked_share={self.masked_share}, "
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


@dataclass(frozen=True)
class MaskedBatch:
    """A corrupted batch and what was asked of it."""

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
) -> MaskedBatch:
    """The corruption of the examples `indices_B` in `epoch` (one for all, or one for each)."""
    special_V = np.zeros(masking.vocab_size, bool)
    special_V[list(masking.special_ids)] = True
    draw_BT = _draws(masking.seed, np.broadcast_to(epoch, indices_B.shape), indices_B, tokens_BT)
    modified_BT = (_uniform(draw_BT) < masking.rate) & ~special_V[tokens_BT]

    # The rest is drawn at the modified positions only, from further outputs of the same stream.
    draw_N = draw_BT[modified_BT]
    choice_N = _uniform(_mixed(draw_N + _STEP))
    treatments_N = (choice_N >= masking.masked_share).astype(np.uint8)
    treatments_N += choice_N >= masking.masked_share + masking.replaced_share
    random_N = _mixed(draw_N + _STEP + _STEP) % np.uint64(masking.vocab_size)

    true_N = tokens_BT[modified_BT].astype(np.int64)
    shown_N = np.where(treatments_N == 1, random_N.astype(np.int64), true_N)
    shown_N[treatments_N == 0] = masking.mask_id
    input_ids_BT = tokens_BT.astype(np.int64)
    input_ids_BT[modified_BT] = shown_N
    labels_BT = np.full(tokens_BT.shape, NOT_ASKED, np.int64)
    labels_BT[modified_BT] = true_N
    treatments_BT = np.full(tokens_BT.shape, _NOT_MODIFIED, np.uint8)
    treatments_BT[modified_BT] = treatments_N
    return MaskedBatch(input_ids_BT, labels_BT, treatments_BT)


# A counter-based generator (SplitMix64: Steele, Lea and Flood 2014): the n-th number of a stream is
# a mix of the stream's key and n, so that any example's numbers can be had without the others'.
_STEP = np.uint64(0x9E3779B97F4A7C15)


def _draws(
    seed: int, epochs_B: np.ndarray, indices_B: np.ndarray, tokens_BT: np.ndarray
) -> np.ndarray:
    """One 64-bit number for each position, independent in seed, epoch, example and position."""
    with np.errstate(over="ignore"):
        key_B = _mixed(np.full(len(indices_B), seed % 2**64, np.uint64) + _STEP)
        key_B = _mixed(key_B + epochs_B.astype(np.uint64) * _STEP)
        key_B = _mixed(key_B + indices_B.astype(np.uint64) * _STEP)
        positions_T = np.arange(1, tokens_BT.shape[1] + 1, dtype=np.uint64) * _STEP
        return _mixed(key_B[:, None] + positions_T)


def _mixed(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _uniform(x: np.ndarray) -> np.ndarray:
    """`x` as float64 in [0, 1), from its upper 53 bits."""
    return (x >> np.uint64(11)) * 2.0**-53
