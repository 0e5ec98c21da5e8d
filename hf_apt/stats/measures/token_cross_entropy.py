"""Cross-entropy of each token at every depth: how far it is learnt before it is ever right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Float

from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import Estimate
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.measure import Column, stored_arrays

_UNIT = 2.0**-20


@dataclass
class TokenCrossEntropy:
    """Cross-entropies added up by depth and true token.

    Each is rounded to 2^-20 nats, a millionth, so that sums are the same in whatever order they
    are added. It has no column of its own: its mean over positions is that of `CrossEntropy`. It
    holds 8 bytes for each depth and token.
    """

    sums_DV: Float[np.ndarray, "depth vocab"]
    """Sum of the cross-entropies at each true token's positions, in nats."""

    name: ClassVar[str] = "token_cross_entropy"
    compares_depths: ClassVar[bool] = False
    columns: ClassVar[tuple[Column, ...]] = ()

    @classmethod
    def empty(cls, num_depths: int, vocab_size: int) -> Self:
        """Sums over no position yet."""
        return cls(np.zeros((num_depths, vocab_size)))

    def update(self, answers: Answers) -> None:
        """Add the cross-entropies of a batch's positions to the sums of their tokens."""
        for sums_V, losses_N in zip(self.sums_DV, answers.cross_entropy_DN, strict=True):
            rounded_N = np.rint(losses_N.astype(np.float64) / _UNIT) * _UNIT
            np.add.at(sums_V, answers.references_N, rounded_N)

    def merge(self, other: Self) -> Self:
        """These sums and those of `other`, which is left as it was."""
        self.sums_DV += other.sums_DV
        return self

    def figures(self) -> list[dict[str, Estimate]]:
        """No figure at any depth."""
        return [{} for _ in self.sums_DV]

    def arrays(self) -> dict[str, np.ndarray]:
        """The sums (D, V)."""
        return {"sums_DV": self.sums_DV}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The sums whose `arrays` these are.

        Raises ValueError unless every sum is a number of nats of at least 0.
        """
        (sums_DV,) = stored_arrays(arrays, sums_DV=("float64", 2))
        if not (sums_DV >= 0).all():
            raise ValueError("a sum is negative or not a number")
        return cls(sums_DV)

    def require_same_pass(self, counts: DepthCounts) -> None:
        """Raise ValueError unless `counts` has its depths and tokens, and asked for these."""
        if self.sums_DV.shape != (counts.num_depths, counts.vocab_size):
            raise ValueError("it is of other depths or tokens than the counts")
        if self.sums_DV[:, counts.support() == 0].any():
            raise ValueError("a token that was not asked for has a cross-entropy")
