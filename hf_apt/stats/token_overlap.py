"""How many of a task's words a pre-training corpus has: the overlap of their tokens.

Source: ours, after the idea of arXiv 2507.14871 that pre-training helps more where its tokens
overlap with the task's; the paper's own measure is not known to us.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from jaxtyping import Integer


@dataclass(frozen=True)
class Overlap:
    """How many of a task's tokens occur in a pre-training corpus."""

    types: float
    """Share of the task's distinct tokens that occur in the corpus, in [0, 1]; NaN over nothing."""

    occurrences: float
    """Share of all tokens of the task's texts that occur in it, in [0, 1]; NaN over nothing."""

    num_types: int
    """Number of distinct tokens of the task."""

    num_occurrences: int
    """Number of all tokens of the task's texts."""


def token_counts(rows: Iterable[Sequence[int]], vocab_size: int) -> Integer[np.ndarray, " vocab"]:
    """Occurrences of each token id in rows of ids, int64.

    >>> token_counts([[1, 2], [2]], 4).tolist()
    [0, 1, 2, 0]
    """
    return np.bincount(np.fromiter(chain.from_iterable(rows), np.int64), minlength=vocab_size)


def overlap(
    task_V: Integer[np.ndarray, " vocab"],
    corpus_V: Integer[np.ndarray, " vocab"],
    special_ids: Sequence[int] = (),
) -> Overlap:
    """The overlap of two counts of the same token ids, special tokens left out.

    >>> overlap(np.array([9, 3, 1, 0]), np.array([5, 2, 0, 7]), special_ids=[0])
    Overlap(types=0.5, occurrences=0.75, num_types=2, num_occurrences=4)
    """
    if len(task_V) != len(corpus_V):
        raise ValueError(
            f"counts of {len(task_V)} and of {len(corpus_V)} token ids: they are of different "
            "vocabularies."
        )
    counted_V = np.ones(len(task_V), bool)
    counted_V[list(special_ids)] = False
    task_V = np.where(counted_V, task_V, 0)
    known_V = corpus_V > 0
    num_types, num_occurrences = int((task_V > 0).sum()), int(task_V.sum())
    return Overlap(
        types=_share(int((known_V & (task_V > 0)).sum()), num_types),
        occurrences=_share(int(task_V[known_V].sum()), num_occurrences),
        num_types=num_types,
        num_occurrences=num_occurrences,
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
