"""The states of a measurement's first sequences, kept from its pass to compare the depths."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.stats.measures.rarefied_apt import NUM_GROUPS
from hf_apt.stats.similarity.cka import FEWEST_ROWS
from hf_apt.stats.similarity.depth_similarity import DepthSimilarity, SimilaritySums, sums_bytes

NUM_SEQUENCES = 128
"""Sequences whose states are kept."""

MOST_POSITIONS = 2000
"""Asked positions that are compared: those of the first sequences that have no more together."""

_MOST_BYTES, _MOST_GROUPED_BYTES = 2 << 30, 1 << 30


@dataclass
class StatesTotal:
    """States at asked positions, in parts, with the number of the sequence of each."""

    states: list[Float[np.ndarray, "depth positions width"]] = field(default_factory=list)
    sequences: list[Int[np.ndarray, " positions"]] = field(default_factory=list)

    def merge(self, other: Self) -> Self:
        """These states and those of `other`, which is of other batches."""
        self.states += other.states
        self.sequences += other.sequences
        return self

    def similarity(self) -> DepthSimilarity | None:
        """Debiased linear CKA between all depths, with its standard error over sequences.

        None for fewer than four positions, for states that are not finite, and for models so large
        that the sums take more than 2 GiB; errors are left out where they would take more than 1.
        """
        if not self.states:
            return None
        sequences_N = np.concatenate(self.sequences)
        order_N = np.argsort(sequences_N, kind="stable")[: _num_compared(sequences_N)]
        states_DNH = np.concatenate(self.states, axis=1)[:, order_N].astype(np.float64)
        num_depths, num, width = states_DNH.shape
        size = sums_bytes(width, num_depths)
        if num < FEWEST_ROWS or size > _MOST_BYTES or not np.isfinite(states_DNH).all():
            return None
        num_groups = NUM_GROUPS if size * NUM_GROUPS <= _MOST_GROUPED_BYTES else 1
        sums = SimilaritySums(num_depths, num_groups=num_groups)
        groups_N = sequences_N[order_N] % num_groups
        for group in np.unique(groups_N):
            sums.update(states_DNH[:, groups_N == group], group=int(group))
        return sums.result("tokens")


class KeptStates:
    """A reader of a pass (`hf_apt.depths.depth_pass.Reader`) that keeps states as they are read.

    It holds 4 bytes for each depth, asked position and unit of the first 128 sequences.
    """

    def __init__(self) -> None:
        self.total = StatesTotal()

    def update(self, batch: AskedBatch, hidden_DNH: Tensor) -> None:
        """Keep the states of those positions that are in the first sequences."""
        is_kept_N = batch.sequences_N < NUM_SEQUENCES
        if is_kept_N.any():
            self.total.states.append(hidden_DNH.float().cpu().numpy()[:, is_kept_N])
            self.total.sequences.append(batch.sequences_N[is_kept_N])


def _num_compared(sequences_N: Int[np.ndarray, " positions"]) -> int:
    """Positions of the first sequences, as many whole ones as are few enough, and of one at least.

    >>> _num_compared(np.repeat([5, 2, 9], [900, 900, 900]))
    1800
    """
    ends_S = np.cumsum(np.unique(sequences_N, return_counts=True)[1])
    return int(ends_S[ends_S <= MOST_POSITIONS].max(initial=ends_S[0]))
