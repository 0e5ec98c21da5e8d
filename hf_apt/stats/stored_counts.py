"""The laws that arrays of counts keep on disk, tried before anything is made of them."""
# D depths, P pairs that occurred, V vocabulary.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

Table: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Packed pairs (P,), ascending and distinct, and how often each occurred (P,), int64."""


def key_type(vocab_size: int) -> np.dtype:
    """The integers that packed pairs of `vocab_size` tokens are held in: int32 where they fit."""
    fits = vocab_size**2 <= np.iinfo(np.int32).max
    return np.dtype(np.int32 if fits else np.int64)


def stored_tables(
    arrays: Mapping[str, np.ndarray], treatments: Sequence[str]
) -> tuple[int, list[list[Table]]]:
    """The vocabulary's size V and the tables by depth and treatment that `arrays` hold.

    Nothing of the size of the vocabulary is allocated. Raises ValueError unless all depths from 0
    on are there with all treatments, pairs are ascending, distinct and below V², counts are
    integers of at least 1, and each token was asked for equally often at every depth.
    """
    vocab_size = _vocab_size(arrays)
    num_depths = len([name for name in arrays if name.endswith(f".{treatments[0]}.keys")])
    wanted = {"vocab_size"} | {
        f"depth_{depth}.{treatment}.{part}"
        for depth in range(num_depths)
        for treatment in treatments
        for part in ("keys", "counts")
    }
    if not num_depths or wanted != set(arrays):
        odd = sorted(wanted.symmetric_difference(arrays))
        raise ValueError(
            f"depths are missing or incomplete ({odd[0]})" if odd else "it holds no depth"
        )
    tables = [
        [_table(arrays, f"depth_{depth}.{treatment}", vocab_size) for treatment in treatments]
        for depth in range(num_depths)
    ]
    for number, treatment in enumerate(treatments):
        first = _support(tables[0][number], vocab_size)
        for depth in range(1, num_depths):
            here = _support(tables[depth][number], vocab_size)
            if not all(map(np.array_equal, first, here)):
                raise ValueError(
                    f"at depth {depth} other tokens were asked for than at depth 0 ({treatment})"
                )
    return vocab_size, tables


def _vocab_size(arrays: Mapping[str, np.ndarray]) -> int:
    size = arrays.get("vocab_size")
    if size is None or size.shape != () or size.dtype.kind not in "iu":
        raise ValueError("it does not say vocab_size as one integer")
    if not 1 <= int(size) <= _MOST_TOKENS:
        raise ValueError(f"vocab_size is {int(size)}, which is outside 1 to {_MOST_TOKENS}")
    return int(size)


_MOST_TOKENS = np.iinfo(np.int32).max
"""Token ids are at most int32 in every library that makes them; V² then fits int64."""


def _table(arrays: Mapping[str, np.ndarray], name: str, vocab_size: int) -> Table:
    keys, counts = arrays[f"{name}.keys"], arrays[f"{name}.counts"]
    wanted = key_type(vocab_size)
    if keys.dtype != wanted or counts.dtype != np.int64:
        raise ValueError(
            f"{name} holds {keys.dtype} pairs and {counts.dtype} counts, where a vocabulary of "
            f"{vocab_size} has {wanted} and int64"
        )
    if keys.ndim != 1 or keys.shape != counts.shape:
        raise ValueError(f"{name} holds pairs {keys.shape} and counts {counts.shape}")
    if len(keys) and not (keys[0] >= 0 and int(keys[-1]) < vocab_size**2):
        raise ValueError(f"{name} holds a pair outside a vocabulary of {vocab_size}")
    if not (keys[1:] > keys[:-1]).all():
        raise ValueError(f"the pairs of {name} are not ascending and distinct")
    if len(keys) and (counts.min() < 1 or counts.sum(dtype=float) >= 2.0**62):
        raise ValueError(f"{name} holds a count below 1 or counts beyond 2^62")
    return keys, counts


def _support(table: Table, vocab_size: int) -> Table:
    """The tokens that were asked for, and how often each was."""
    keys, counts = table
    if not len(keys):
        return table
    references = keys // vocab_size
    starts = np.flatnonzero(np.diff(references, prepend=-1))
    return references[starts], np.add.reduceat(counts, starts)
