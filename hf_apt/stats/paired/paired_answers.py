"""The right answers of two models at the same asked positions, by token and group of sequences."""
# D depths, K pairs of a token with a group of sequences, T tokens, G groups.

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Int

from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.measures.text_groups import NUM_GROUPS


@dataclass(frozen=True)
class PairedAnswers:
    """Right answers of models A and B, for each token in each group of sequences.

    Which of a token's positions were right is not known, only how many in each group: so groups,
    not positions, are the pairs.
    """

    tokens_K: Int[np.ndarray, " pairs"]
    """Token ids."""

    groups_K: Int[np.ndarray, " pairs"]
    """Groups of sequences, 0 to 19."""

    support_K: Int[np.ndarray, " pairs"]
    """Asked positions, at least 1."""

    hits_a_DK: Int[np.ndarray, "depth pairs"]
    """Right answers of A."""

    hits_b_DK: Int[np.ndarray, "depth pairs"]
    """Right answers of B."""

    @classmethod
    def of_measures(cls, a: RarefiedApt, b: RarefiedApt) -> Self:
        """The pairs of two measures; where their depths differ in number, of the last one alone.

        Raises ValueError unless both were asked for each token equally often in each group.
        """
        arrays_a, arrays_b = a.arrays(), b.arrays()
        for name in ("keys_K", "support_K", "stretch_length_1"):
            if not np.array_equal(arrays_a[name], arrays_b[name]):
                raise ValueError("they are of other asked positions")
        answers, hits_b_DK = a.grouped(), b.grouped().hits_DK
        hits_a_DK = answers.hits_DK
        if len(hits_a_DK) != len(hits_b_DK):
            hits_a_DK, hits_b_DK = hits_a_DK[-1:], hits_b_DK[-1:]
        return cls(answers.tokens_K, answers.groups_K, answers.support_K, hits_a_DK, hits_b_DK)

    def of_tokens(self, tokens_V: Bool[np.ndarray, " vocab"]) -> Self:
        """The pairs of those tokens alone; ids beyond `tokens_V` are none of them."""
        known_K = self.tokens_K < len(tokens_V)
        kept_K = known_K.copy()
        kept_K[known_K] = tokens_V[self.tokens_K[known_K]]
        return type(self)(
            self.tokens_K[kept_K],
            self.groups_K[kept_K],
            self.support_K[kept_K],
            self.hits_a_DK[:, kept_K],
            self.hits_b_DK[:, kept_K],
        )

    @property
    def tokens(self) -> Int[np.ndarray, " tokens"]:
        """The tokens that were asked for, ascending."""
        return np.unique(self.tokens_K)

    def by_token(
        self,
    ) -> tuple[
        Int[np.ndarray, " tokens"], Int[np.ndarray, "depth tokens"], Int[np.ndarray, "depth tokens"]
    ]:
        """Asked positions (T,) and right answers of A and of B (D, T) of each of `tokens`."""
        starts = np.flatnonzero(np.diff(self.tokens_K, prepend=-1))
        if not len(starts):
            return self.support_K, self.hits_a_DK, self.hits_b_DK
        return (
            np.add.reduceat(self.support_K, starts),
            np.add.reduceat(self.hits_a_DK, starts, axis=1),
            np.add.reduceat(self.hits_b_DK, starts, axis=1),
        )

    def gains(self, depth: int) -> Int[np.ndarray, "tokens groups"]:
        """Right answers of B less those of A at one depth, by token of `tokens` and by group."""
        tokens, rows_K = np.unique(self.tokens_K, return_inverse=True)
        gains_TG = np.zeros((len(tokens), NUM_GROUPS), np.int64)
        gains_TG[rows_K, self.groups_K] = self.hits_b_DK[depth] - self.hits_a_DK[depth]
        return gains_TG
