"""The states of a measurement's first sequences, kept from its pass to compare the depths."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.stats.measures.text_groups import NUM_GROUPS, groups_of_neighbours
from hf_apt.stats.similarity.cka import FEWEST_ROWS
from hf_apt.stats.similarity.depth_similarity import DepthSimilarity, SimilaritySums, sums_bytes

MOST_POSITIONS = 1000
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

    def cut(self) -> None:
        """Put the parts together, by sequence, and drop the sequences that are not compared.

        None that is dropped would be compared if more were added later.
        """
        sequences_N = np.concatenate(self.sequences)
        order_N = np.argsort(sequences_N, kind="stable")[: _num_compared(sequences_N)]
        self.states = [np.concatenate(self.states, axis=1)[:, order_N]]
        self.sequences = [sequences_N[order_N]]

    def similarity(self) -> DepthSimilarity | None:
        """Debiased linear CKA between all depths, with its standard error.

        The error is over groups of neighbouring sequences, and is left out where it would take more
        than 1 GiB. None for fewer than four positions and for states that are not finite.
        """
        if not self.states:
            return None
        self.cut()
        states_DNH, sequences_N = self.states[0].astype(np.float64), self.sequences[0]
        num_depths, num, width = states_DNH.shape
        if num < FEWEST_ROWS or not np.isfinite(states_DNH).all():
            return None
        size = sums_bytes(width, num_depths)
        num_groups = NUM_GROUPS if size * NUM_GROUPS <= _MOST_GROUPED_BYTES else 1
        sums = SimilaritySums(num_depths, num_groups=num_groups)
        groups_N = groups_of_neighbours(sequences_N, int(sequences_N[-1]) + 1, num_groups)
        for group in np.unique(groups_N):
            sums.update(states_DNH[:, groups_N == group], group=int(group))
        return sums.result("tokens")


class KeptStates:
    """A reader of a pass (`hf_apt.depths.depth_pass.Reader`) that keeps states as they are read.

    It holds 4 bytes for each depth and unit of the first thousand asked positions, and nothing of
    models so large that to compare their depths takes more than 2 GiB.
    """

    def __init__(self) -> None:
        self.total = StatesTotal()
        self._last = np.iinfo(np.int64).max

    def update(self, batch: AskedBatch, hidden_DNH: Tensor) -> None:
        """Keep the states of those positions that are in the first sequences."""
        num_depths, _, width = hidden_DNH.shape
        if sums_bytes(width, num_depths) > _MOST_BYTES:
            return
        kept_K = np.flatnonzero(batch.sequences_N <= self._last)
        if not len(kept_K):
            return
        chosen_K = torch.from_numpy(kept_K).to(hidden_DNH.device)
        self.total.states.append(hidden_DNH[:, chosen_K].float().cpu().numpy())
        self.total.sequences.append(batch.sequences_N[kept_K])
        num = sum(map(len, self.total.sequences))
        self.total.cut()
        if len(self.total.sequences[0]) < num:  # later sequences will never be among the first
            self._last = int(self.total.sequences[0][-1])


def _num_compared(sequences_N: Int[np.ndarray, " positions"]) -> int:
    """Positions of the first sequences, as many whole ones as are few enough, and of one at least.

    >>> _num_compared(np.repeat([5, 2, 9], [400, 400, 400]))
    800
    """
    ends_S = np.cumsum(np.unique(sequences_N, return_counts=True)[1])
    return int(ends_S[ends_S <= MOST_POSITIONS].max(initial=ends_S[0]))
