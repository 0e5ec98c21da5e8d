"""Flat pairs: words that open and words that close, which cross, at a distance drawn by a law.

A document is blocks, cut after its last word. A block draws a distance d with a probability
proportional to d^-exponent, then has d opening words of independent kinds, and then the d closing
words of the same kinds in the same order: each pair is d positions apart, and within a block pairs
cross where those of `Dyck` are nested.
"""
# B documents, T positions, N asked positions, V words, K kinds, D distances.

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.draws import document_draws, drawn, entropy_of
from hf_apt.data.artificial.evidence import Evidence
from hf_apt.data.artificial.pairs import (
    alone_weights,
    pair_posteriors,
    pair_weights,
    pair_words,
)
from hf_apt.data.planted.language import zipf
from hf_apt.stats.config_checks import require_not_negative, require_whole


@dataclass(frozen=True, kw_only=True)
class FlatPairs(ArtificialLanguage):
    """Crossing pairs whose distances follow a power law.

    Raises:
        ValueError: for no kind or no distance, or negative exponents.
    """

    kinds: int = 32
    """Number of kinds of pairs; there are twice as many words."""

    max_distance: int = 8
    """Largest distance between the words of a pair."""

    exponent: float = 1.0
    """Exponent of the law of distances; 0 for distances that are equally frequent."""

    kind_exponent: float = 0.0
    """Exponent of Zipf's law of the kinds; 0 for kinds that are equally frequent."""

    def __post_init__(self) -> None:
        require_whole(self, "kinds", "max_distance")
        require_not_negative(self, "exponent", "kind_exponent")

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The opening words o00, o01, …, and then the closing ones c00, c01, …."""
        return pair_words(self.kinds)

    @property
    def kinds_K(self) -> Float[np.ndarray, " kinds"]:
        """(K,) the probability of each kind."""
        return zipf(self.kinds, self.kind_exponent)

    @property
    def distances_D(self) -> Float[np.ndarray, " distances"]:
        """(D,) the probability of each distance from 1 on, of a block."""
        return zipf(self.max_distance, self.exponent)

    def blocks(
        self, numbers: range, length: int, seed: int
    ) -> tuple[Int[np.ndarray, "documents length"], Int[np.ndarray, "documents length"]]:
        """(B, T) the distance of each position's block, and the position in its block."""
        distances_BT = np.empty((len(numbers), length), np.int64)
        places_BT = np.empty_like(distances_BT)
        drawn_BT = 1 + drawn(self.distances_D, document_draws(numbers, (length, 2), seed)[..., 0])
        distance_B = place_B = np.zeros(len(numbers), np.int64)
        for position in range(length):
            begins_B = place_B == 2 * distance_B
            distance_B = np.where(begins_B, drawn_BT[:, position], distance_B)
            place_B = np.where(begins_B, 0, place_B)
            distances_BT[:, position], places_BT[:, position] = distance_B, place_B
            place_B = place_B + 1
        return distances_BT, places_BT

    def documents(
        self, numbers: range, length: int, seed: int
    ) -> Int[np.ndarray, "documents length"]:
        """The documents `numbers`; a shorter one is the beginning of a longer one."""
        distances_BT, places_BT = self.blocks(numbers, length, seed)
        kinds_BT = drawn(self.kinds_K, document_draws(numbers, (length, 2), seed)[..., 1])
        closes_BT = places_BT >= distances_BT
        opened_BT = np.arange(length) - np.where(closes_BT, distances_BT, 0)
        return np.take_along_axis(kinds_BT, opened_BT, axis=1) + closes_BT * self.kinds

    def _begins(self, length: int) -> Float[np.ndarray, " positions"]:
        """(T,) the probability that a block begins at each position."""
        begins_T = np.zeros(length + 1)
        begins_T[0] = 1.0
        for start in range(length):
            for distance, share in enumerate(self.distances_D, start=1):
                if start + 2 * distance <= length:
                    begins_T[start + 2 * distance] += share * begins_T[start]
        return begins_T[:length]

    def unigrams(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) by the exact share of opening words, which is above a half where blocks are cut."""
        opening = 0.0
        for start, begins in enumerate(self._begins(length)):
            num_D = np.minimum(np.arange(1, self.max_distance + 1), length - start)
            opening += begins * float(self.distances_D @ num_D)
        share = opening / length
        return np.concatenate([self.kinds_K * share, self.kinds_K * (1 - share)])

    def entropy(self, length: int) -> float:
        """The entropy of a document in nats: a block tells its distance by where closing begins.

        Of a block that is cut before its closing words only the least possible distance is told.
        """
        of_kind, law_D = entropy_of(self.kinds_K), self.distances_D
        left_T = np.zeros(length + 1)
        for left in range(1, length + 1):
            for distance, share in enumerate(law_D, start=1):
                if distance < left:
                    after = left_T[max(left - 2 * distance, 0)]
                    left_T[left] += share * (distance * of_kind - np.log(share) + after)
            if cut := float(law_D[left - 1 :].sum()):
                left_T[left] += cut * (left * of_kind - np.log(cut))
        return float(left_T[length])

    def posteriors(
        self, evidence: Evidence, asked_BT: Bool[np.ndarray, "documents seq"]
    ) -> Float[np.ndarray, "asked words"]:
        """(N, V) by sums over all ways in which a document can be blocks."""
        kinds_K = self.kinds_K
        scale = kinds_K.max() ** -0.5  # keeps long products within floating point
        weights_BTT = scale * pair_weights(kinds_K, evidence)
        # A word whose partner is cut off has half a pair's factor.
        single_BT = scale**0.5 * alone_weights(kinds_K, evidence)
        outside_BTT, alone_BT = self._outside(weights_BTT, single_BT)
        alone_BT = alone_BT * scale**0.5
        return pair_posteriors(kinds_K, evidence, scale * outside_BTT, alone_BT, asked_BT)

    def _outside(
        self, weights_BTT: np.ndarray, single_BT: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(B, T, T) and (B, T): weights of all but a pair, and of all but a word without one."""
        num_documents, length = single_BT.shape
        outside_BTT, alone_BT = np.zeros_like(weights_BTT), np.zeros_like(single_BT)
        before, after = self._block_sums(weights_BTT, single_BT)
        for start in range(length):
            for distance, share in enumerate(self.distances_D, start=1):
                factors = _factors(weights_BTT, single_BT, start, distance)
                end = min(start + 2 * distance, length)
                around_B = share * before[start] * after[end]
                ones_B = np.ones(num_documents)
                lefts = [ones_B]
                for factor_B in factors[:-1]:
                    lefts.append(lefts[-1] * factor_B)
                right_B = ones_B
                for offset in reversed(range(len(factors))):
                    opened, closed = start + offset, start + offset + distance
                    rest_B = around_B * lefts[offset] * right_B
                    if closed < length:
                        outside_BTT[:, opened, closed] += rest_B
                    else:
                        alone_BT[:, opened] += rest_B
                    right_B = right_B * factors[offset]
        return outside_BTT, alone_BT

    def _block_sums(
        self, weights_BTT: np.ndarray, single_BT: np.ndarray
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """(B,) for each position: weight of what is before it, and from it on, if a block begins.

        The last of each is the end of the document.
        """
        num_documents, length = single_BT.shape
        before = [np.zeros(num_documents) for _ in range(length + 1)]
        after = [np.zeros(num_documents) for _ in range(length + 1)]
        before[0] += 1.0
        after[length] += 1.0
        whole = {
            (start, distance): np.prod(_factors(weights_BTT, single_BT, start, distance), axis=0)
            for start in range(length)
            for distance in range(1, self.max_distance + 1)
        }
        shares = list(enumerate(self.distances_D, start=1))
        for start in range(length):
            for distance, share in shares:
                end = min(start + 2 * distance, length)
                before[end] += share * before[start] * whole[start, distance]
        for start in reversed(range(length)):
            for distance, share in shares:
                end = min(start + 2 * distance, length)
                after[start] += share * after[end] * whole[start, distance]
        return before, after


def _factors(
    weights_BTT: np.ndarray, single_BT: np.ndarray, start: int, distance: int
) -> list[np.ndarray]:
    """(B,) weight of each pair of a block, and of each of its words whose partner is cut off."""
    length = single_BT.shape[1]
    return [
        weights_BTT[:, opened, opened + distance]
        if opened + distance < length
        else single_BT[:, opened]
        for opened in range(start, min(start + distance, length))
    ]
