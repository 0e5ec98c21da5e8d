"""A batch of questions and answers, read block by block, so that nothing as large is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Integer

from hf_apt.stats.counts import NOT_ASKED, TREATMENTS
from hf_apt.stats.metric_modules.array_inputs import array_of, refuse_other_shape, whole_numbers

ANY_ID = 2**26
"""Ids below this are counted whatever the vocabulary; a number for each takes 512 MiB."""

_BLOCK = 1 << 14
"""Positions of a block: what is made of them, 128 KiB an array, stays in the cache."""


@dataclass(frozen=True)
class AskedBlock:
    """What is asked in a block of positions: tokens, answers, and codes of treatments."""

    block: slice
    """The positions of the block, by their index in the flat batch."""

    asked: np.ndarray | slice
    """Which positions of the block are asked for."""

    true_N: Integer[np.ndarray, " n"]
    """Ids of the tokens that are asked for."""

    predicted_N: Integer[np.ndarray, " n"]
    """Ids that were answered."""

    codes_N: Integer[np.ndarray, " n"] | None
    """Codes of `hf_apt.stats.counts.TREATMENTS`; None where the batch does not tell them."""

    def of(self, values: np.ndarray) -> np.ndarray:
        """Those of `values`, one for each position of the batch, that are asked for here."""
        return flat(values)[self.block][self.asked]


class AskedBlocks:
    """The blocks of a batch of any shape. References of -100 are not asked for.

    Raises ValueError for what cannot be token ids or treatments, and for other shapes; whatever is
    read of it afterwards is valid.
    """

    def __init__(self, predictions: Any, references: Any, treatment: Any = None):
        self._predicted = whole_numbers("predictions", predictions, example="logits.argmax(-1)")
        self._true = whole_numbers("references", references, example="the true token ids")
        refuse_other_shape("predictions", self._predicted, "references", self._true)
        self._all_asked = not self._true.size or bool(self._true.min() >= 0)
        self.largest = max(
            self._largest("predictions", self._predicted), self._largest("references", self._true)
        )
        """The largest id that is asked for or answered; -1 where nothing is asked."""
        self._treatments = None
        if treatment is not None:
            self._treatments = array_of("treatment", treatment)
            refuse_other_shape("treatment", self._treatments, "references", self._true)
            for block, asked in self._blocks():
                _codes(flat(self._treatments)[block][asked])

    def __iter__(self) -> Iterator[AskedBlock]:
        predicted, true = flat(self._predicted), flat(self._true)
        for block, asked in self._blocks():
            codes_N = None
            if self._treatments is not None:
                codes_N = _codes(flat(self._treatments)[block][asked])
            yield AskedBlock(block, asked, true[block][asked], predicted[block][asked], codes_N)

    def _blocks(self) -> Iterator[tuple[slice, np.ndarray | slice]]:
        """The blocks, and which positions of each are asked for."""
        true = flat(self._true)
        for start in range(0, self._true.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            yield block, slice(None) if self._all_asked else true[block] != NOT_ASKED

    def _largest(self, name: str, ids: np.ndarray) -> int:
        """The largest of `ids` where something is asked, or -1. ValueError for what is no id."""
        if self._all_asked:
            return _largest(name, ids)
        return max(
            (_largest(name, flat(ids)[block][asked]) for block, asked in self._blocks()), default=-1
        )


def flat(array: np.ndarray) -> np.ndarray | np.flatiter:
    """The values one after the other, of which slices can be read; nothing is copied for it."""
    return array.reshape(-1) if array.flags.c_contiguous else array.flat


def _largest(name: str, ids: Integer[np.ndarray, "*shape"]) -> int:
    """The largest of `ids`, or -1. Raises ValueError for what is no token id."""
    if not ids.size:
        return -1
    high = int(ids.max())
    if ids.min() < 0 or high >= ANY_ID:
        wrong = ids[(ids < 0) | (ids >= ANY_ID)][0]
        raise ValueError(
            f"{name} hold {wrong}, which is no token id: ids are 0 to {ANY_ID - 1}, and a "
            "reference of -100 marks a position that is not asked."
        )
    return high


def _codes(treatments_N: np.ndarray) -> Integer[np.ndarray, " n"]:
    """The codes of treatments given by name or by code."""
    codes_N = np.full(len(treatments_N), len(TREATMENTS), np.uint8)
    for code, name in enumerate(TREATMENTS):
        codes_N[treatments_N == (name if treatments_N.dtype.kind in "OU" else code)] = code
    unknown = treatments_N[codes_N == len(TREATMENTS)]
    if len(unknown):
        raise ValueError(
            f"treatment {unknown.tolist()[0]!r} is none of {', '.join(TREATMENTS)}, nor of their "
            "codes 0, 1, 2: leave it out, or give one for each reference."
        )
    return codes_N
