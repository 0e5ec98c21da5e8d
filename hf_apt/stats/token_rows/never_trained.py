"""Which rows of a vocabulary look as if they were never trained: those like the unused ids' (ours).

A token that the training text did not hold keeps the embedding that it was initialised with, and
its output bias sinks with those of all other ids that are never the answer. So do ids that are in a
vocabulary only to be given away later, such as `[unused7]`, by which such rows are known.
"""
# V vocabulary.

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Integer

from hf_apt.stats.token_rows.token_rows import TokenRows

RELIABLE = 0.9
"""The sign is believed where it is right of this share of unused ids, and of tokens answered right,
at least."""

_UNUSED = re.compile(r"[\[<]unused[-_]?\d+[\]>]|madeupword\d+")
_SPECIAL = re.compile(r"\[.+\]|<.+>")


@dataclass(frozen=True)
class GroupOfRows:
    """The rows of some of the tokens, in the middle."""

    num: int
    """Number of tokens, at least 1."""

    norm: float
    """Median length of their input embeddings."""

    bias: float | None
    """Median of their output biases; None for a model without."""

    share_alike: float
    """Share of them that look as if they were never trained, in [0, 1]."""


@dataclass(frozen=True)
class NeverTrained:
    """Rows that look as if they were never trained, and how far that is to be believed."""

    looks_so_V: Bool[np.ndarray, " vocab"]
    """Rows that are nearer to the median of the unused ids than to that of the right tokens."""

    unused: GroupOfRows
    """The unused ids, of which all should look so."""

    right: GroupOfRows
    """The tokens that were answered right, of which none should."""

    @property
    def is_reliable(self) -> bool:
        """Whether the sign is right of `RELIABLE` of either group."""
        return self.unused.share_alike >= RELIABLE and self.right.share_alike <= 1 - RELIABLE


def named_unused(vocabulary: Sequence[str]) -> Bool[np.ndarray, " vocab"]:
    """The ids that are unused by their names: `[unused7]`, `<unused7>`, `madeupword0007`.

    So are ids without a token, which a vocabulary of a run calls by their own number, `<30522>`.

    >>> named_unused(["[PAD]", "[unused0]", "cat", "<3>", "<3>"]).tolist()
    [False, True, False, True, False]
    """
    return np.array(
        [
            token == f"<{index}>" or _UNUSED.fullmatch(token) is not None
            for index, token in enumerate(vocabulary)
        ],
        bool,
    )


def unseen(
    vocabulary: Sequence[str],
    frequency_V: Integer[np.ndarray, " vocab"],
    support_V: Integer[np.ndarray, " vocab"],
) -> Bool[np.ndarray, " vocab"]:
    """The ids that a text never held and that were never asked for, but for special tokens.

    >>> unseen(["[MASK]", "cat", "dog"], np.array([0, 0, 2]), np.zeros(3, int)).tolist()
    [False, True, False]
    """
    special_V = np.array([_SPECIAL.fullmatch(token) is not None for token in vocabulary], bool)
    return (frequency_V == 0) & (support_V == 0) & ~special_V


def never_trained(
    rows: TokenRows, unused_V: Bool[np.ndarray, " vocab"], right_V: Bool[np.ndarray, " vocab"]
) -> NeverTrained | None:
    """The rows that are nearer to the unused ids than to the tokens that were answered right.

    A row is so where its length and its bias are both nearer to the median of `unused_V` than to
    that of `right_V`. A number whose two medians are equal tells nothing and is left out. None
    where one of the groups is empty, or where nothing tells them apart.

    Raises ValueError unless the groups are of as many ids as the rows, and have no id in common.
    """
    for group_V in (unused_V, right_V):
        if len(group_V) != rows.vocab_size:
            raise ValueError(f"a group is of {len(group_V)} ids, and rows of {rows.vocab_size}.")
    if (unused_V & right_V).any():
        raise ValueError(f"id {np.flatnonzero(unused_V & right_V)[0]} is both unused and right.")
    if not unused_V.any() or not right_V.any():
        return None
    nearer = [
        near_V
        for values_V in (rows.norms_V, rows.biases_V)
        if values_V is not None and (near_V := _nearer(values_V, unused_V, right_V)) is not None
    ]
    if not nearer:
        return None
    looks_so_V = np.all(nearer, axis=0)
    return NeverTrained(
        looks_so_V,
        _group(rows, unused_V, looks_so_V),
        _group(rows, right_V, looks_so_V),
    )


def _nearer(
    values_V: np.ndarray, unused_V: np.ndarray, right_V: np.ndarray
) -> Bool[np.ndarray, " vocab"] | None:
    unused, right = np.median(values_V[unused_V]), np.median(values_V[right_V])
    if unused == right:
        return None
    return np.abs(values_V - unused) < np.abs(values_V - right)


def _group(rows: TokenRows, group_V: np.ndarray, looks_so_V: np.ndarray) -> GroupOfRows:
    return GroupOfRows(
        num=int(group_V.sum()),
        norm=float(np.median(rows.norms_V[group_V])),
        bias=None if rows.biases_V is None else float(np.median(rows.biases_V[group_V])),
        share_alike=float(looks_so_V[group_V].mean()),
    )
