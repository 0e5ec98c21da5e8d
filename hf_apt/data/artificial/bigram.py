"""A chain of words: each is followed by one of its few followers, or by any word by Zipf's law.

The transition from x to y has the probability

    P(x, y) = (1 - follow) z(y) + follow * sum over j of u(j) [y = f_j(x)],

z and u being Zipf's law over all words and over the places of followers, and each f_j a random
permutation of the words. Its unigrams, entropy rate and masked answers are exact.
"""
# B documents, T positions, N asked positions, V words, F followers.

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.draws import document_draws, drawn, entropy_of
from hf_apt.data.artificial.evidence import Evidence
from hf_apt.data.artificial.markov_chain import smoothed
from hf_apt.data.artificial.zipf import numbered_words
from hf_apt.data.planted.language import zipf
from hf_apt.stats.config_checks import require_not_negative, require_seed, require_whole


@dataclass(frozen=True, kw_only=True)
class Bigram(ArtificialLanguage):
    """A stationary Markov chain of words.

    Raises:
        ValueError: for fewer than 2 words, no follower, a negative exponent, `follow` outside [0,
            1), or a seed that is none.
    """

    vocab_size: int = 512
    """Number of words."""

    num_followers: int = 4
    """Number of followers of each word; two of them can be the same word."""

    follow: float = 0.8
    """Probability that a follower comes next, from 0 to less than 1; at 0 it is Zipf's law."""

    exponent: float = 1.0
    """Exponent of Zipf's law, of words and of followers alike."""

    seed: int = 0
    """Seeds the choice of followers: another one is another language."""

    def __post_init__(self) -> None:
        require_whole(self, "vocab_size", least=2)
        require_whole(self, "num_followers")
        require_not_negative(self, "exponent", "follow")
        require_seed(self)
        if self.follow >= 1:
            raise ValueError(f"follow must be at least 0 and less than 1, got {self.follow!r}.")

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words w00, w01, …, by their rank where no follower comes next."""
        return numbered_words("w", self.vocab_size)

    @cached_property
    def followers_FV(self) -> Int[np.ndarray, "followers words"]:
        """(F, V) the followers of each word, the most probable first."""
        rng = np.random.default_rng(self.seed)
        return np.stack([rng.permutation(self.vocab_size) for _ in range(self.num_followers)])

    @cached_property
    def _leaders_FV(self) -> Int[np.ndarray, "followers words"]:
        return np.argsort(self.followers_FV, axis=1)

    @cached_property
    def _weights_F(self) -> Float[np.ndarray, " followers"]:
        return self.follow * zipf(self.num_followers, self.exponent)

    @cached_property
    def _any_V(self) -> Float[np.ndarray, " words"]:
        return (1.0 - self.follow) * zipf(self.vocab_size, self.exponent)

    def transitions(self) -> Float[np.ndarray, "words next"]:
        """(V, V) the probability of each word after each: rows sum to 1. 8 V^2 bytes."""
        table_VV = np.repeat(self._any_V[None], self.vocab_size, axis=0)
        rows = np.arange(self.vocab_size)
        for weight, followers_V in zip(self._weights_F, self.followers_FV, strict=True):
            table_VV[rows, followers_V] += weight
        return table_VV

    def forward(
        self, weights_BV: Float[np.ndarray, "documents words"]
    ) -> Float[np.ndarray, "documents words"]:
        """(B, V) weights of the next word, from those of this one."""
        next_BV = weights_BV.sum(axis=1, keepdims=True) * self._any_V
        for weight, leaders_V in zip(self._weights_F, self._leaders_FV, strict=True):
            next_BV += weight * weights_BV[:, leaders_V]
        return next_BV

    def backward(
        self, values_BV: Float[np.ndarray, "documents words"]
    ) -> Float[np.ndarray, "documents words"]:
        """(B, V) expected values of the next word, given this one."""
        before_BV = np.repeat(values_BV @ self._any_V[:, None], self.vocab_size, axis=1)
        for weight, followers_V in zip(self._weights_F, self.followers_FV, strict=True):
            before_BV += weight * values_BV[:, followers_V]
        return before_BV

    @cached_property
    def stationary_V(self) -> Float[np.ndarray, " words"]:
        """(V,) the distribution of every word of a document, which a step leaves as it is."""
        weights_1V = zipf(self.vocab_size, self.exponent)[None]
        change = np.inf
        while True:
            next_1V = self.forward(weights_1V)
            next_1V /= next_1V.sum()
            # A step shrinks the change at least by `follow`, until it is rounding alone.
            before, change = change, float(np.abs(next_1V - weights_1V).sum())
            if change >= before or change == 0:
                return next_1V[0]
            weights_1V = next_1V

    def documents(
        self, numbers: range, length: int, seed: int
    ) -> Int[np.ndarray, "documents length"]:
        """The documents `numbers`; a shorter one is the beginning of a longer one."""
        draws_BT2 = document_draws(numbers, (length, 2), seed)
        words_BT = np.empty((len(numbers), length), np.int64)
        by_rank_BT = drawn(self._any_V, draws_BT2[..., 1])
        place_BT = drawn(self._weights_F, draws_BT2[..., 1]) if self.follow else by_rank_BT
        for position in range(length):
            if position == 0:
                words_BT[:, 0] = drawn(self.stationary_V, draws_BT2[:, 0, 0])
                continue
            follows_B = draws_BT2[:, position, 0] < self.follow
            words_BT[:, position] = by_rank_BT[:, position]
            places, before = place_BT[follows_B, position], words_BT[follows_B, position - 1]
            words_BT[follows_B, position] = self.followers_FV[places, before]
        return words_BT

    def unigrams(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) the stationary distribution."""
        return self.stationary_V

    @cached_property
    def entropy_rate(self) -> float:
        """The entropy of a word given the word before, in nats: the loss floor of next words.

        The mean over the stationary words of the entropies of the rows of the transition table; of
        a row only the followers differ from the row that all have in common.
        """
        common_V = -self._any_V * np.log(self._any_V)
        rows_V = np.zeros(self.vocab_size)
        rows = np.arange(self.vocab_size)
        for place, followers_V in enumerate(self.followers_FV):
            earlier_FV = self.followers_FV[:place]
            is_new_V = ~(earlier_FV == followers_V).any(axis=0)
            total_V = self._any_V[followers_V] + (
                self._weights_F[:, None] * (self.followers_FV == followers_V)
            ).sum(axis=0)
            row_V = -total_V * np.log(total_V) - common_V[followers_V]
            rows_V[rows] += np.where(is_new_V, row_V, 0.0)
        return float(self.stationary_V @ (common_V.sum() + rows_V))

    def entropy(self, length: int) -> float:
        """The entropy of the first word, and the entropy rate for each of the others, in nats."""
        return entropy_of(self.stationary_V) + (length - 1) * self.entropy_rate

    def posteriors(
        self, evidence: Evidence, asked_BT: Bool[np.ndarray, "documents seq"]
    ) -> Float[np.ndarray, "asked words"]:
        """(N, V) what both neighbours say; masked ones are summed over."""
        return smoothed(self.stationary_V, self.forward, self.backward, evidence, asked_BT)
