"""What each of several parts answered at the same positions: exact counts, and who was right."""
# U parts, N positions, V tokens.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from hf_apt.stats.apt import apt
from hf_apt.stats.counts import DepthCounts


@dataclass(frozen=True)
class PartAnswers:
    """Counts of the answers of U parts, and at each position which of the parts were right.

    Memory: that of the counts, and 8 bytes and U bits a position.
    """

    counts: DepthCounts
    """Pair counts of each part; the parts stand where depths stand elsewhere."""

    positions: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    """For each batch the tokens asked for (N,), the numbers of their texts (N,), and who was right,
    as bits (ceil(U / 8), N)."""

    @classmethod
    def empty(cls, num_parts: int, vocab_size: int) -> Self:
        """Answers of nobody yet.

        Args:
            num_parts: number of parts U.
            vocab_size: number of tokens, or classes, V.
        """
        return cls(DepthCounts.empty(num_parts, vocab_size))

    def update(
        self,
        references_N: Integer[np.ndarray, " n"],
        predictions_UN: Integer[np.ndarray, "part n"],
        treatments_N: Integer[np.ndarray, " n"],
        texts_N: Integer[np.ndarray, " n"],
    ) -> Self:
        """Add the answers of all parts at N more positions.

        Args:
            references_N: what was asked for.
            predictions_UN: what each part answered.
            treatments_N: what masking did, codes of `hf_apt.stats.counts.TREATMENTS`.
            texts_N: the number of the text that each position is in.

        Returns:
            These answers, changed in place.

        Raises:
            ValueError: as `DepthCounts.update`.
        """
        self.counts.update(references_N, predictions_UN, treatments_N)
        right_UN = np.packbits(predictions_UN == references_N, axis=0)
        self.positions.append((references_N.astype(np.int32), texts_N.astype(np.int32), right_UN))
        return self

    @property
    def num_parts(self) -> int:
        """Number of parts U."""
        return self.counts.num_depths

    def references(self) -> Int[np.ndarray, " n"]:
        """What was asked for at each position."""
        return np.concatenate([np.zeros(0, np.int32), *(each[0] for each in self.positions)])

    def texts(self) -> Int[np.ndarray, " n"]:
        """The number of the text that each position is in."""
        return np.concatenate([np.zeros(0, np.int32), *(each[1] for each in self.positions)])

    def right(self) -> Bool[np.ndarray, "part n"]:
        """Which parts were right at each position."""
        none = np.zeros((self.num_parts, 0), bool)
        rows = [np.unpackbits(bits, axis=0, count=self.num_parts) for _, _, bits in self.positions]
        return np.concatenate([none, *rows], axis=1).astype(bool)

    def answered(self) -> Int[np.ndarray, "part vocab"]:
        """How often each part answered each token, rightly or not."""
        return np.stack(
            [
                np.asarray(self.counts.at(part).matrix().sum(axis=0)).ravel()
                for part in range(self.num_parts)
            ]
        ).astype(np.int64)

    def apt(self, min_support: int = 1) -> Float[np.ndarray, "part tokens"]:
        """APT of each part on the tokens asked for at least `min_support` times."""
        support_V = self.counts.support()
        tokens = np.flatnonzero(support_V >= min_support)
        return apt(self.counts.hits()[:, tokens], support_V[tokens])
