"""Cross-entropy at every depth, with the error that stretches of text, not positions, give it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import Estimate
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.measure import Column, stored_arrays
from hf_apt.stats.measures.text_groups import OVER_GROUPS, groups_of_neighbours


@dataclass
class CrossEntropy:
    """Cross-entropies added up by depth and sequence, in double precision.

    It holds 8 bytes for each depth and sequence.
    """

    sums_DS: Float[np.ndarray, "depth sequences"]
    """Sum of the cross-entropies at each sequence's asked positions, in nats."""

    positions_S: Int[np.ndarray, " sequences"]
    """Number of asked positions of each sequence."""

    name: ClassVar[str] = "cross_entropy"
    compares_depths: ClassVar[bool] = False
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "cross_entropy",
            "cross-entropy",
            f"the mean of −log p(true token) in nats, {OVER_GROUPS}",
        ),
    )

    @classmethod
    def empty(cls, num_depths: int, vocab_size: int = 0) -> Self:
        """Sums over no sequence yet."""
        return cls(np.zeros((num_depths, 0)), np.zeros(0, np.int64))

    def update(self, answers: Answers) -> None:
        """Add the cross-entropies of a batch's positions to the sums of their sequences."""
        if len(answers.sequences_N) == 0:
            return
        # Only the sums of the batch's own sequences are touched, however many there are.
        here_B, places_N = np.unique(answers.sequences_N, return_inverse=True)
        self._make_room(int(here_B[-1]) + 1)
        self.positions_S[here_B] += np.bincount(places_N)
        for sums_S, losses_N in zip(self.sums_DS, answers.cross_entropy_DN, strict=True):
            sums_S[here_B] += np.bincount(places_N, losses_N)

    def merge(self, other: Self) -> Self:
        """These sums and those of `other`, which is left as it was."""
        self._make_room(len(other.positions_S))
        size = len(other.positions_S)
        self.sums_DS[:, :size] += other.sums_DS
        self.positions_S[:size] += other.positions_S
        return self

    @property
    def num_positions(self) -> int:
        """Number of asked positions in all sequences."""
        return int(self.positions_S.sum())

    def mean(self) -> Float[np.ndarray, " depth"]:
        """The mean over positions at each depth, in nats, >= 0; NaN where nothing was asked."""
        if not self.num_positions:
            return np.full(len(self.sums_DS), np.nan)
        return self.arrays()["sums_DS"].sum(axis=1) / self.num_positions

    def standard_error(self) -> Float[np.ndarray, " depth"]:
        """The standard error of `mean`, in nats, over groups of sequences; NaN below two of them.

        Twenty groups of neighbouring sequences are the sampling unit, as positions of one document
        are not independent. The mean is a ratio of two sums over groups; its error is that of the
        ratio estimator (Cochran, Sampling Techniques, 1977, chapter 6, without the correction for
        a finite population). Groups in which nothing was asked are left out.
        """
        arrays = self.arrays()
        sums_DS, positions_S = arrays["sums_DS"], arrays["positions_S"]
        groups_S = groups_of_neighbours(np.arange(len(positions_S)), len(positions_S))
        starts = np.flatnonzero(np.diff(groups_S, prepend=-1))
        if len(starts) < 2:
            return np.full(len(sums_DS), np.nan)
        positions_G = np.add.reduceat(positions_S, starts)
        asked_G = positions_G > 0
        num_groups = int(asked_G.sum())
        if num_groups < 2:
            return np.full(len(sums_DS), np.nan)
        sums_DG = np.add.reduceat(sums_DS, starts, axis=1)
        left_DG = (sums_DG - self.mean()[:, None] * positions_G)[:, asked_G]
        variance_D = (left_DG**2).sum(axis=1) * num_groups / (num_groups - 1)
        return np.sqrt(variance_D) / self.num_positions

    def figures(self) -> list[dict[str, Estimate]]:
        """The mean at each depth, `num` being positions."""
        return [
            {"cross_entropy": Estimate(float(mean), float(error), self.num_positions)}
            for mean, error in zip(self.mean(), self.standard_error(), strict=True)
        ]

    def arrays(self) -> dict[str, np.ndarray]:
        """Sums (D, S) and positions (S,), up to the last sequence in which something was asked."""
        size = int(self.positions_S.nonzero()[0].max(initial=-1)) + 1
        return {"sums_DS": self.sums_DS[:, :size], "positions_S": self.positions_S[:size]}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The sums whose `arrays` these are.

        Raises ValueError unless every sum is a number of nats, of as many sequences as there are
        numbers of positions.
        """
        sums_DS, positions_S = stored_arrays(
            arrays, sums_DS=("float64", 2), positions_S=("int64", 1)
        )
        if sums_DS.shape[1] != len(positions_S):
            raise ValueError(f"it has sums {sums_DS.shape} and positions {positions_S.shape}")
        if positions_S.min(initial=0) < 0 or np.isnan(sums_DS).any():
            raise ValueError("a sum is not a number, or a number of positions is negative")
        if sums_DS[:, positions_S == 0].any():
            raise ValueError("a sequence in which nothing was asked has a cross-entropy")
        return cls(sums_DS, positions_S)

    def require_same_pass(self, counts: DepthCounts) -> None:
        """Raise ValueError unless `counts` has as many depths and positions."""
        here, there = (
            (len(self.sums_DS), self.num_positions),
            (counts.num_depths, counts.at(0).total),
        )
        if here != there:
            raise ValueError(
                f"it is of {here[0]} depths and {here[1]} positions, the counts are of {there[0]} "
                f"and {there[1]}"
            )

    def _make_room(self, num_sequences: int) -> None:
        missing = num_sequences - len(self.positions_S)
        if missing > 0:  # at least doubled, so that many batches copy little
            grown = max(missing, len(self.positions_S))
            self.sums_DS = np.pad(self.sums_DS, ((0, 0), (0, grown)))
            self.positions_S = np.pad(self.positions_S, (0, grown))
