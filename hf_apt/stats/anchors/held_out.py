"""Errors of fits of the log-partition on documents that they were not fitted on."""
# G: groups of documents.

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hf_apt.stats.anchors.anchor_sums import (
    LOG_BULK,
    MEAN_LOGIT,
    ONE,
    AnchorSums,
    mean_squared_error,
)
from hf_apt.stats.anchors.least_squares import Solver
from hf_apt.stats.estimates import Estimate, jackknife_error

AnchorArm = Literal["constant", "mean_word", "linear", "affine", "quadratic"]
"""What predicts the log-partition: its mean (self-normalisation); the mean word vector and a
constant; a vector alone; a vector, the anchor, and a constant; products of components, too."""


@dataclass(frozen=True)
class Part:
    """Errors and variance over some of the groups."""

    errors: dict[AnchorArm, float]
    variance: float


class HeldOutErrors:
    """Sums of squared errors of each group, by fits on all the others."""

    def __init__(self, sums: AnchorSums, solvers: Mapping[AnchorArm, Solver]):
        total_WW, grams = sums.total(), [sums.grams[group] for group in sorted(sums.grams)]
        self.arms: list[AnchorArm] = ["constant", "mean_word", *solvers]
        squares_GX = []
        for gram_WW in grams:
            left_WW = total_WW - gram_WW
            residuals = [_constant(left_WW), _mean_word(left_WW)]
            residuals += [solver.residual(left_WW) for solver in solvers.values()]
            num = gram_WW[ONE, ONE]
            squares_GX.append([mean_squared_error(gram_WW, each_W) * num for each_W in residuals])
        self._squares_GX = np.array(squares_GX)
        # Log-partitions from their mean, so that nothing is lost to it.
        self._mean_W = _constant(total_WW)
        self._nums_G = np.array([gram_WW[ONE, ONE] for gram_WW in grams])
        self._sums_G = np.array([self._mean_W @ gram_WW[:, ONE] for gram_WW in grams])
        self._second_G = np.array(
            [mean_squared_error(gram_WW, self._mean_W) * gram_WW[ONE, ONE] for gram_WW in grams]
        )
        self.num = round(float(self._nums_G.sum()))

    def estimate(self, figure: Callable[[Part], float]) -> Estimate:
        """A figure of all groups, with the error by leaving out each in turn."""
        groups = np.arange(len(self._nums_G))
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.array([figure(self._part(groups != group)) for group in groups])
            value = float(figure(self._part(groups >= 0)))
        return Estimate(value, float(jackknife_error(left)), self.num)

    def _part(self, chosen_G: np.ndarray) -> Part:
        num = self._nums_G[chosen_G].sum()
        means_X = self._squares_GX[chosen_G].sum(axis=0) / num
        mean = self._sums_G[chosen_G].sum() / num
        variance = max(self._second_G[chosen_G].sum() / num - mean**2, 0.0)
        return Part(dict(zip(self.arms, means_X, strict=True)), np.float64(variance))


def _constant(gram_WW: np.ndarray) -> np.ndarray:
    residual_W = np.zeros(len(gram_WW))
    residual_W[LOG_BULK] = 1.0
    residual_W[ONE] = -gram_WW[LOG_BULK, ONE] / gram_WW[ONE, ONE]
    return residual_W


def _mean_word(gram_WW: np.ndarray) -> np.ndarray:
    residual_W = _constant(gram_WW)
    residual_W[MEAN_LOGIT] = -1.0
    residual_W[ONE] += gram_WW[MEAN_LOGIT, ONE] / gram_WW[ONE, ONE]
    return residual_W
