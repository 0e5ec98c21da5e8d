"""The substitution test: which tokens of an input are replaced, and by what.

arXiv 2509.03407 explains why label confidence does not depend on APT by the meaning that survives
where a token is mistaken for a strong match. The test and its controls are ours.
"""
# K tokens of all inputs, one input after the other; N inputs, M replaced tokens, V vocabulary.

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Integer

Answer = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From the ids (K,) that a model is shown and the places (K,) asked for: the ids answered there."""


@dataclass(frozen=True)
class FlatInputs:
    """Inputs as token ids, one after the other."""

    ids_K: Integer[np.ndarray, " k"]
    """All ids, int64."""

    lengths_N: Integer[np.ndarray, " n"]
    """Number of tokens of each input."""

    eligible_K: Bool[np.ndarray, " k"]
    """Tokens that are not special."""

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], special_ids: Iterable[int]) -> Self:
        """The inputs whose token ids are `rows`."""
        ids_K = np.concatenate([np.asarray(row, np.int64) for row in rows])
        lengths_N = np.array([len(row) for row in rows])
        return cls(ids_K, lengths_N, ~np.isin(ids_K, list(special_ids)))

    def padded(self, values_K: np.ndarray) -> np.ndarray:
        """A value for each token as an array (N, T), filled up with zeros."""
        present_NT = np.arange(self.lengths_N.max(initial=0)) < self.lengths_N[:, None]
        padded_NT = np.zeros(present_NT.shape, values_K.dtype)
        padded_NT[present_NT] = values_K
        return padded_NT

    def rows(self, values_K: np.ndarray) -> list[np.ndarray]:
        """A value for each token, by input."""
        return np.split(values_K, np.cumsum(self.lengths_N)[:-1])


def position_groups(inputs: FlatInputs, num_groups: int, seed: int) -> Integer[np.ndarray, " k"]:
    """The group of each position, drawn at random; -1 where it is not eligible.

    Within an input the groups are equally large but for one position; the first are the larger.
    """
    num_inputs, num_tokens = len(inputs.lengths_N), len(inputs.ids_K)
    input_K = np.repeat(np.arange(num_inputs), inputs.lengths_N)
    draw_K = np.random.default_rng(seed).random(num_tokens)
    order = np.lexsort((draw_K, input_K))
    order = order[inputs.eligible_K[order]]
    num_N = np.bincount(input_K[order], minlength=num_inputs)
    group_K = np.full(num_tokens, -1)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(num_N) - num_N, num_N)
    group_K[order] = rank % num_groups
    return group_K


def answered(
    ids_K: Integer[np.ndarray, " k"],
    group_K: Integer[np.ndarray, " k"],
    mask_id: int,
    answer: Answer,
) -> Integer[np.ndarray, " k"]:
    """What is answered at each position that has a group, when its whole group is masked.

    Each group is asked for once; a position without one keeps its id.
    """
    answered_K = ids_K.copy()
    for group in range(group_K.max(initial=-1) + 1):
        asked_K = group_K == group
        answered_K[asked_K] = answer(np.where(asked_K, mask_id, ids_K), asked_K)
    return answered_K


def random_replacements(
    ids_K: Integer[np.ndarray, " k"],
    replaced_K: Bool[np.ndarray, " k"],
    weights_V: Integer[np.ndarray, " vocab"],
    seed: int,
) -> Integer[np.ndarray, " k"]:
    """`ids_K` with a random other token at every place of `replaced_K`.

    Each is drawn in proportion to the integers `weights_V`, the token itself left out. Raises
    ValueError where no other token has any weight.
    """
    true_M = ids_K[replaced_K]
    above_V = np.cumsum(weights_V)
    num_M = above_V[-1] - weights_V[true_M]
    if (num_M == 0).any():
        raise ValueError("a token cannot be replaced: no other token may take its place.")
    draw_M = np.random.default_rng(seed).integers(0, num_M)
    # As if the token's own stretch of the line were cut out.
    draw_M += np.where(draw_M >= above_V[true_M] - weights_V[true_M], weights_V[true_M], 0)
    found_K = ids_K.copy()
    found_K[replaced_K] = np.searchsorted(above_V, draw_M, side="right")
    return found_K
