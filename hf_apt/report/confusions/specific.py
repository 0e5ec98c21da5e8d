"""Which tokens of a cluster are taken for each other beyond what is common."""
# M members of a cluster, the most asked of them.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array

MOST_MEMBERS = 200
"""Members of a cluster that are looked at, the most asked first; an array of this squared."""
LOOSEST = 0.4
"""A token joins a core if it is tied to those in it by more than this share of what ties them to
one another, on average."""
_STARTS = 20
"""Pairs, the strongest, that a core is grown from; the best core is taken."""


@dataclass(frozen=True)
class Core:
    """Those tokens of a cluster that are taken for each other most."""

    tokens: list[int]
    """Ids, in the order in which they joined: the strongest pair first."""

    strength: float
    """The sum of `specific_shares` between them, at least 0."""


class Answers:
    """The answers of one depth, and how common each is.

    `matrix` are (V, V) counts: row = reference, column = prediction.
    """

    def __init__(self, matrix: csr_array):
        self.matrix = matrix
        self.support_V: Int[np.ndarray, " vocab"] = np.asarray(matrix.sum(axis=1)).ravel()
        answered_V = np.asarray(matrix.sum(axis=0)).ravel()
        self.share_V: Float[np.ndarray, " vocab"] = answered_V / max(answered_V.sum(), 1)
        """The share of all answers that each token makes up."""

    def specific_shares(self, tokens_M: Int[np.ndarray, " members"]) -> np.ndarray:
        """(M, M): what each row's share of an answer is beyond that answer's share of all answers.

        Less one binomial standard error, so that a few answers do not count as many; 0 where
        nothing is left, and on the diagonal. Ours.
        """
        support_M = np.maximum(self.support_V[tokens_M], 1)[:, None]
        share_MM = self.matrix[tokens_M][:, tokens_M].toarray() / support_M
        error_MM = np.sqrt(share_MM * (1 - share_MM) / support_M)
        beyond_MM = np.maximum(share_MM - self.share_V[tokens_M] - error_MM, 0.0)
        np.fill_diagonal(beyond_MM, 0.0)
        return beyond_MM

    def core(self, members: Int[np.ndarray, " any"], most: int) -> Core:
        """At most `most` members that are taken for each other, grown greedily from a pair.

        Each step adds the token that is taken for those before it, or they for it, most, if it is
        by more than `LOOSEST`. A cluster in which nothing is beyond what is common has no core.
        """
        by_support = np.argsort(-self.support_V[members], kind="stable")
        tokens_M = members[by_support[:MOST_MEMBERS]]
        beyond_MM = self.specific_shares(tokens_M)
        both_MM = np.triu(beyond_MM + beyond_MM.T)
        pairs = np.argsort(-both_MM, axis=None, kind="stable")[:_STARTS]
        grown = [
            _grown(beyond_MM + beyond_MM.T, [int(row), int(column)], most)
            for row, column in zip(*np.unravel_index(pairs, both_MM.shape), strict=True)
            if both_MM[row, column] > 0
        ]
        cores = [
            Core(tokens_M[chosen].tolist(), float(beyond_MM[np.ix_(chosen, chosen)].sum()))
            for chosen in grown
        ]
        return max(cores, key=lambda core: core.strength, default=Core([], 0.0))


def _grown(both_MM: np.ndarray, chosen: list[int], most: int) -> list[int]:
    while len(chosen) < most:
        among = both_MM[np.ix_(chosen, chosen)].sum() / (len(chosen) * (len(chosen) - 1))
        tie_M = both_MM[:, chosen].mean(axis=1)
        tie_M[chosen] = 0.0
        best = int(tie_M.argmax())
        if tie_M[best] <= LOOSEST * among:
            break
        chosen = [*chosen, best]
    return chosen
