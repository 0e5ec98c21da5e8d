"""How far APT per token is off because it was counted on a finite text, from parts of that text.

The counts of a token are those of groups of sequences, as `hf_apt.stats.measures.rarefied_apt`
keeps them: positions of one sequence, and maskings of one position, are not independent of one
another, stretches of text nearly are. Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.measures.text_groups import NUM_GROUPS


@dataclass(frozen=True)
class GroupedHits:
    """Right answers and asked positions of each token in each group of sequences."""

    hits_GV: Int[np.ndarray, "groups vocab"]
    """Right answers, int64."""

    support_GV: Int[np.ndarray, "groups vocab"]
    """Asked positions, int64."""

    @classmethod
    def kept(cls, counts: RarefiedApt, vocab_size: int) -> Self:
        """The counts at the last depth, by groups of neighbouring sequences."""
        answers = counts.grouped()
        hits_GV, support_GV = np.zeros((2, NUM_GROUPS, vocab_size), np.int64)
        hits_GV[answers.groups_K, answers.tokens_K] = answers.hits_DK[-1]
        support_GV[answers.groups_K, answers.tokens_K] = answers.support_K
        return cls(hits_GV, support_GV)

    @classmethod
    def dealt(
        cls,
        hits_V: Int[np.ndarray, " vocab"],
        support_V: Int[np.ndarray, " vocab"],
        *,
        seed: int,
    ) -> Self:
        """Counts of which no groups are known, their positions dealt to groups at random.

        A token's positions are spread as evenly as they can be. That takes each to be independent
        of all others: where they are not, the noise is larger than it seems.
        """
        rng = np.random.default_rng(seed)
        start_V = rng.integers(0, NUM_GROUPS, len(support_V))
        hits_left_V, left_V, hits, support = hits_V.copy(), support_V.copy(), [], []
        for group in range(NUM_GROUPS):
            extra_V = (group - start_V) % NUM_GROUPS < support_V % NUM_GROUPS
            size_V = support_V // NUM_GROUPS + extra_V
            right_V = rng.hypergeometric(hits_left_V, left_V - hits_left_V, size_V)
            hits_left_V, left_V = hits_left_V - right_V, left_V - size_V
            hits.append(right_V)
            support.append(size_V)
        return cls(np.stack(hits), np.stack(support))

    @property
    def is_spread_V(self) -> Bool[np.ndarray, " vocab"]:
        """Whether each token was asked in two groups at least: else its noise is not known."""
        return (self.support_GV > 0).sum(axis=0) > 1

    @property
    def apt_V(self) -> Float[np.ndarray, " vocab"]:
        """APT of each token over all groups; NaN for those that are not spread."""
        support_V = np.where(self.is_spread_V, self.support_GV.sum(axis=0), 0)
        with np.errstate(invalid="ignore"):
            return np.where(
                support_V > 0, self.hits_GV.sum(axis=0) / np.maximum(support_V, 1), np.nan
            )

    def noise(self) -> Float[np.ndarray, " vocab"]:
        """The sampling variance of each token's APT, unbiased; 0 for tokens that are not spread.

        It is the square of the APT, less the product of APTs of two groups on average over all
        pairs of different groups, which differ from the truth independently of one another: what
        splitting the text in halves gives, on average over all ways to split it. Some are below 0.

        >>> GroupedHits(np.array([[1], [0]]), np.array([[1], [1]])).noise().tolist()
        [0.25]
        """
        apt_V = np.nan_to_num(self.apt_V)
        return apt_V**2 * self.is_spread_V - self._square()[0]

    def moves(self) -> tuple[Float[np.ndarray, "groups vocab"], Float[np.ndarray, "groups vocab"]]:
        """How far APT, and its noise, would move with more weight on each group.

        These are derivatives by the group's weight; the sum of their squares over groups is the
        variance of a figure (the infinitesimal jackknife).
        """
        apt_V, (square_V, products_V) = np.nan_to_num(self.apt_V), self._square()
        hits_V, support_V = self.hits_GV.sum(axis=0), self.support_GV.sum(axis=0)
        apt_GV = (self.hits_GV - apt_V * self.support_GV) / np.maximum(support_V, 1)
        apt_GV *= self.is_spread_V
        above_GV = 2 * self.hits_GV * (hits_V - self.hits_GV)
        below_GV = 2 * self.support_GV * (support_V - self.support_GV)
        square_GV = (above_GV - square_V * below_GV) / np.maximum(products_V, 1)
        return apt_GV, 2 * apt_V * apt_GV - square_GV * self.is_spread_V

    def _square(self) -> tuple[np.ndarray, np.ndarray]:
        """The square of each APT, unbiased, and the pairs of positions that it is read off."""
        above_V = self.hits_GV.sum(axis=0) ** 2 - (self.hits_GV**2).sum(axis=0)
        products_V = self.support_GV.sum(axis=0) ** 2 - (self.support_GV**2).sum(axis=0)
        return above_V / np.maximum(products_V, 1), products_V
