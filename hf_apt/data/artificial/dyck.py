"""Nested pairs: words that open and words that close, well nested, of K kinds (Dyck-K).

A document of 2n words is one of the C_n = (2n)! / (n! (n+1)!) well-nested arrangements (Catalan's
number), each as likely as any other; the kinds of its n pairs are drawn independently. Its entropy
is ln C_n + n H, H being that of a kind. Masked words are found exactly by inside and outside sums
over spans, as in a context-free grammar.
"""
# B documents, T = 2n positions, N asked positions, V words, K kinds.

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.artificial.draws import document_draws, drawn, entropy_of
from hf_apt.data.artificial.evidence import Evidence
from hf_apt.data.artificial.nested_spans import outside_weights
from hf_apt.data.artificial.pairs import pair_posteriors, pair_weights, pair_words
from hf_apt.data.planted.language import zipf
from hf_apt.stats.config_checks import require_not_negative, require_whole

_BYTES = 150_000_000


@dataclass(frozen=True, kw_only=True)
class Dyck(ArtificialLanguage):
    """Well-nested pairs, every arrangement being as likely as any other.

    Raises:
        ValueError: for no kind, or a negative exponent.
    """

    kinds: int = 32
    """Number of kinds of pairs; there are twice as many words."""

    exponent: float = 0.0
    """Exponent of Zipf's law of the kinds; 0 for kinds that are equally frequent."""

    def __post_init__(self) -> None:
        require_whole(self, "kinds")
        require_not_negative(self, "exponent")

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The opening words o00, o01, …, and then the closing ones c00, c01, …."""
        return pair_words(self.kinds)

    @property
    def kinds_K(self) -> Float[np.ndarray, " kinds"]:
        """(K,) the probability of each kind."""
        return zipf(self.kinds, self.exponent)

    def require_length(self, length: int) -> None:
        """Raise ValueError for an odd number of words, which no pairs make."""
        if length % 2:
            raise ValueError(
                f"nested pairs make documents of an even number of words, and {length} are asked "
                "for: choose an even --sequence-length."
            )

    def documents(
        self, numbers: range, length: int, seed: int
    ) -> Int[np.ndarray, "documents length"]:
        """The documents `numbers`, each of them balanced; `length` is even.

        With r words to come and d pairs open, the share of the arrangements that open a further
        pair is (d + 2) (r - d) / (2 r (d + 1)), by ballot numbers.
        """
        self.require_length(length)
        draws_BT2 = document_draws(numbers, (length, 2), seed)
        kinds_BT = drawn(self.kinds_K, draws_BT2[..., 1])
        words_BT = np.empty((len(numbers), length), np.int64)
        stack_BT = np.zeros((len(numbers), length // 2 + 1), np.int64)
        depth_B = np.zeros(len(numbers), np.int64)
        rows = np.arange(len(numbers))
        for position in range(length):
            left = length - position
            share_B = (depth_B + 2) * (left - depth_B) / (2 * left * (depth_B + 1))
            opens_B = draws_BT2[:, position, 0] < share_B
            top_B = stack_BT[rows, np.maximum(depth_B - 1, 0)]
            words_BT[:, position] = np.where(opens_B, kinds_BT[:, position], self.kinds + top_B)
            stack_BT[rows[opens_B], depth_B[opens_B]] = kinds_BT[opens_B, position]
            depth_B += np.where(opens_B, 1, -1)
        return words_BT

    def partners(
        self, words_BT: Int[np.ndarray, "documents length"]
    ) -> Int[np.ndarray, "documents length"]:
        """(B, T) the position of the other word of each position's pair."""
        partners_BT = np.empty_like(words_BT)
        for row_T, partners_T in zip(words_BT.tolist(), partners_BT, strict=True):
            opened: list[int] = []
            for position, word in enumerate(row_T):
                if word < self.kinds:
                    opened.append(position)
                    continue
                partners_T[position] = opened.pop()
                partners_T[partners_T[position]] = position
        return partners_BT

    def unigrams(self, length: int) -> Float[np.ndarray, " words"]:
        """(V,) half of the frequency of a kind for each of its two words."""
        return np.tile(self.kinds_K / 2, 2)

    def entropy(self, length: int) -> float:
        """The logarithm of the number of arrangements, and the entropy of n kinds, in nats."""
        self.require_length(length)
        pairs = length // 2
        arrangements = math.lgamma(length + 1) - math.lgamma(pairs + 1) - math.lgamma(pairs + 2)
        return arrangements + pairs * entropy_of(self.kinds_K)

    def posteriors(
        self, evidence: Evidence, asked_BT: Bool[np.ndarray, "documents seq"]
    ) -> Float[np.ndarray, "asked words"]:
        """(N, V) by sums over all arrangements: the cost grows by the cube of the length."""
        num_documents, length = asked_BT.shape
        self.require_length(length)
        batch = max(_BYTES // (32 * max(length, 1) ** 2), 1)
        kinds_K, parts = self.kinds_K, [np.zeros((0, self.num_words))]
        # A factor of every pair changes nothing, and keeps long products within floating point.
        scale = kinds_K.max() ** -0.5
        for begin in range(0, num_documents, batch):
            rows = slice(begin, begin + batch)
            part = evidence.rows(rows)
            outside_BTT = outside_weights(scale * pair_weights(kinds_K, part))
            alone_BT = np.zeros_like(part.other_BT)
            parts.append(pair_posteriors(kinds_K, part, outside_BTT, alone_BT, asked_BT[rows]))
        return np.concatenate(parts)
