"""At which depth the final answer is first reached, and where it is kept from there on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import Estimate, share_estimate
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.measure import Column, stored_arrays


@dataclass
class PredictionDepth:
    """For each token, how many of its positions have their final answer at, and from, each depth.

    The final answer is that of the last depth, right or wrong. The prediction depth of a position
    is the first depth from which on the answer is the final one at every depth: Baldock, Maennel
    and Neyshabur, Deep Learning Through the Lens of Example Difficulty (arXiv 2106.09647), there of
    k-nearest-neighbour probes, here of whatever decoder is asked.
    """

    same_DV: Int[np.ndarray, "depth vocab"]
    """Positions of each true token at which the answer is the final one."""

    settled_DV: Int[np.ndarray, "depth vocab"]
    """Positions of each true token at which the answer is the final one from this depth on."""

    name: ClassVar[str] = "prediction_depth"
    compares_depths: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "final_answers",
            "final answer",
            "the share of positions that are answered as after the last block, right or wrong",
        ),
        Column(
            "settled_answers",
            "settled",
            "the share of positions that are answered so here and at every later depth",
        ),
    )

    @classmethod
    def empty(cls, num_depths: int, vocab_size: int) -> Self:
        """Counts of no position yet."""
        return cls(*(np.zeros((num_depths, vocab_size), np.int64) for _ in range(2)))

    def update(self, answers: Answers) -> None:
        """Count the positions of a batch."""
        same_DN = answers.predictions_DN == answers.predictions_DN[-1]
        settled_DN = np.logical_and.accumulate(same_DN[::-1])[::-1]
        references_N = answers.references_N
        for depth, (same_N, settled_N) in enumerate(zip(same_DN, settled_DN, strict=True)):
            np.add.at(self.same_DV[depth], references_N[same_N], 1)
            np.add.at(self.settled_DV[depth], references_N[settled_N], 1)

    def merge(self, other: Self) -> Self:
        """These counts and those of `other`, which is left as it was."""
        self.same_DV += other.same_DV
        self.settled_DV += other.settled_DV
        return self

    def by_token(self) -> Float[np.ndarray, " vocab"]:
        """The mean prediction depth of each true token's positions, in [0, D - 1]; NaN for none.

        >>> measure = PredictionDepth.empty(3, 2)
        >>> ids, none = np.array([1, 1]), np.zeros(2, int)
        >>> predictions = np.array([[5, 7], [6, 8], [5, 8]])
        >>> measure.update(Answers(ids, none, none, predictions, np.zeros((3, 2))))
        >>> measure.by_token().tolist()
        [nan, 1.5]
        """
        positions_V = self.same_DV[-1]
        with np.errstate(invalid="ignore"):
            # A position counts once at each depth before its own.
            return (positions_V - self.settled_DV[:-1]).sum(axis=0) / np.where(
                positions_V > 0, positions_V, np.nan
            )

    def figures(self) -> list[dict[str, Estimate]]:
        """Shares of positions at each depth, with binomial errors; 1 at the last depth."""
        num = int(self.same_DV[-1].sum())
        return [
            {
                "final_answers": share_estimate(int(same), num),
                "settled_answers": share_estimate(int(settled), num),
            }
            for same, settled in zip(
                self.same_DV.sum(axis=1), self.settled_DV.sum(axis=1), strict=True
            )
        ]

    def arrays(self) -> dict[str, np.ndarray]:
        """The two arrays of counts (D, V), by name."""
        return {"same_DV": self.same_DV, "settled_DV": self.settled_DV}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The counts whose `arrays` these are.

        Raises ValueError unless an answer that is settled is the final one, is so at all later
        depths, and is so at the last depth for every position.
        """
        same_DV, settled_DV = stored_arrays(arrays, same_DV=("int64", 2), settled_DV=("int64", 2))
        if same_DV.shape != settled_DV.shape or not len(same_DV):
            raise ValueError(f"it has counts {same_DV.shape} and {settled_DV.shape}")
        laws = (
            settled_DV.min(initial=0) >= 0,
            (settled_DV <= same_DV).all(),
            (same_DV <= same_DV[-1]).all(),
            (settled_DV[:-1] <= settled_DV[1:]).all(),
            np.array_equal(settled_DV[-1], same_DV[-1]),
        )
        if not all(laws):
            raise ValueError("more answers are settled than are final, or some later become less")
        return cls(same_DV, settled_DV)

    def require_same_pass(self, counts: DepthCounts) -> None:
        """Raise ValueError unless `counts` is of the same depths and asked for the same tokens."""
        shape = (counts.num_depths, counts.vocab_size)
        if self.same_DV.shape != shape:
            raise ValueError(f"it is of depths and tokens {self.same_DV.shape}, not {shape}")
        if not np.array_equal(self.same_DV[-1], counts.support()):
            raise ValueError("it is of other positions than the counts")
