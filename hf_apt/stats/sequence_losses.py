"""Cross-entropies added up by depth and sequence, and their means with standard errors."""
# N asked positions, D depths, S sequences.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float, Int, Integer


@dataclass(frozen=True)
class SequenceLosses:
    """What a measurement adds up: sums in double precision, from which means are formed once."""

    sums_DS: Float[np.ndarray, "depth sequences"]
    """The cross-entropies of each sequence's asked positions, added up, in nats."""

    positions_S: Int[np.ndarray, " sequences"]
    """How many positions those are."""

    @classmethod
    def empty(cls, num_depths: int, num_sequences: int) -> Self:
        """Of nothing yet."""
        return cls(np.zeros((num_depths, num_sequences)), np.zeros(num_sequences, np.int64))

    def update(
        self,
        losses_DN: Float[np.ndarray, "depth n"],
        sequences_N: Integer[np.ndarray, " n"],
    ) -> None:
        """Add the cross-entropies of positions, each of the sequence of that number."""
        num_sequences = len(self.positions_S)
        self.positions_S[:] += np.bincount(sequences_N, minlength=num_sequences)
        for sums_S, losses_N in zip(self.sums_DS, losses_DN, strict=True):
            sums_S += np.bincount(sequences_N, losses_N, minlength=num_sequences)

    @property
    def num_positions(self) -> int:
        """Asked positions in all."""
        return int(self.positions_S.sum())

    def cross_entropy(self) -> Float[np.ndarray, " depth"]:
        """The mean over positions at each depth, in nats; NaN where nothing was asked.

        >>> losses = SequenceLosses.empty(1, 2)
        >>> losses.update(np.array([[1.0, 2.0, 6.0]]), np.array([0, 0, 1]))
        >>> losses.cross_entropy().tolist()
        [3.0]
        """
        if not self.num_positions:
            return np.full(len(self.sums_DS), np.nan)
        return self.sums_DS.sum(axis=1) / self.num_positions

    def standard_error(self) -> Float[np.ndarray, " depth"]:
        """Of that mean, in nats, sequences being the sampling unit; NaN below two of them.

        Positions of one sequence are not independent. The mean is a ratio of two sums over
        sequences; its error is that of the ratio estimator (Cochran, Sampling Techniques, 1977,
        chapter 6, without the correction for a finite population). Sequences in which nothing was
        asked are left out.
        """
        asked_S = self.positions_S > 0
        num_sequences = int(asked_S.sum())
        if num_sequences < 2:
            return np.full(len(self.sums_DS), np.nan)
        left_DS = self.sums_DS - self.cross_entropy()[:, None] * self.positions_S
        variance_D = (left_DS[:, asked_S] ** 2).sum(axis=1) * num_sequences / (num_sequences - 1)
        return np.sqrt(variance_D) / self.num_positions


def merged_losses(parts: Sequence[SequenceLosses]) -> SequenceLosses:
    """The total of several parts of one measurement."""
    return SequenceLosses(
        np.sum([part.sums_DS for part in parts], axis=0),
        np.sum([part.positions_S for part in parts], axis=0),
    )
