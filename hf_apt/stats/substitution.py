"""The substitution test: which tokens of an input are replaced, and by what.

arXiv 2509.03407 explains why label confidence does not depend on APT by the meaning that survives
where a token is mistaken for a strong match. The test and its controls are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Integer

Answer = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Gives the ids answered at the positions (P,) that are asked, for the ids (P,) shown."""


@dataclass(frozen=True)
class FlatInputs:
    """Inputs as token ids, one after the other."""

    ids_P: Integer[np.ndarray, " positions"]
    """Token ids of all inputs, int64."""

    lengths_I: Integer[np.ndarray, " inputs"]
    """Number of tokens of each input."""

    eligible_P: Bool[np.ndarray, " positions"]
    """Whether each token may be replaced: it is not special."""

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], special_ids: Iterable[int]) -> Self:
        """The inputs whose token ids are `rows`."""
        ids_P = np.concatenate([np.asarray(row, np.int64) for row in rows])
        lengths_I = np.array([len(row) for row in rows])
        return cls(ids_P, lengths_I, ~np.isin(ids_P, list(special_ids)))

    def padded(self, values_P: np.ndarray) -> np.ndarray:
        """A value for each token as an array (I, T), padded with zeros."""
        present_IT = np.arange(self.lengths_I.max(initial=0)) < self.lengths_I[:, None]
        padded_IT = np.zeros(present_IT.shape, values_P.dtype)
        padded_IT[present_IT] = values_P
        return padded_IT

    def rows(self, values_P: np.ndarray) -> list[np.ndarray]:
        """A value for each token, by input."""
        return np.split(values_P, np.cumsum(self.lengths_I)[:-1])


def position_groups(
    inputs: FlatInputs, num_groups: int, seed: int
) -> Integer[np.ndarray, " positions"]:
    """The group of each position, drawn at random; -1 where it is not eligible.

    Within an input, group sizes differ by one position at most; the first groups are the larger.
    """
    num_inputs, num_tokens = len(inputs.lengths_I), len(inputs.ids_P)
    input_P = np.repeat(np.arange(num_inputs), inputs.lengths_I)
    draw_P = np.random.default_rng(seed).random(num_tokens)
    order = np.lexsort((draw_P, input_P))
    order = order[inputs.eligible_P[order]]
    num_I = np.bincount(input_P[order], minlength=num_inputs)
    group_P = np.full(num_tokens, -1)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(num_I) - num_I, num_I)
    group_P[order] = rank % num_groups
    return group_P


def answered(
    ids_P: Integer[np.ndarray, " positions"],
    group_P: Integer[np.ndarray, " positions"],
    mask_id: int,
    answer: Answer,
) -> Integer[np.ndarray, " positions"]:
    """What is answered at each position that has a group, when its whole group is masked.

    Each group is asked for once; a position without one keeps its id.
    """
    answered_P = ids_P.copy()
    for group in range(group_P.max(initial=-1) + 1):
        asked_P = group_P == group
        answered_P[asked_P] = answer(np.where(asked_P, mask_id, ids_P), asked_P)
    return answered_P


def random_replacements(
    ids_P: Integer[np.ndarray, " positions"],
    replaced_P: Bool[np.ndarray, " positions"],
    weights_V: Integer[np.ndarray, " vocab"],
    seed: int,
) -> Integer[np.ndarray, " positions"]:
    """`ids_P` with another, random token at every position of `replaced_P`.

    Each is drawn in proportion to the integers `weights_V`, the token itself left out. Raises
    ValueError where no other token has any weight.
    """
    true_Q = ids_P[replaced_P]
    above_V = np.cumsum(weights_V)
    weight_Q = above_V[-1] - weights_V[true_Q]
    if (weight_Q == 0).any():
        raise ValueError("a token cannot be replaced: no other token may take its place.")
    draw_Q = np.random.default_rng(seed).integers(0, weight_Q)
    # As if the token's own stretch of the line were cut out.
    draw_Q += np.where(draw_Q >= above_V[true_Q] - weights_V[true_Q], weights_V[true_Q], 0)
    shown_P = ids_P.copy()
    shown_P[replaced_P] = np.searchsorted(above_V, draw_Q, side="right")
    return shown_P
