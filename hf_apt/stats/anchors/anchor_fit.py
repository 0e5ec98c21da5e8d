"""How well an anchor vector predicts the log-partition, from sums over states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hf_apt.stats.anchors.anchor_sums import LOG_BULK, ONE, AnchorSums
from hf_apt.stats.anchors.held_out import AnchorArm, HeldOutErrors
from hf_apt.stats.anchors.least_squares import Solver
from hf_apt.stats.estimates import Estimate
from hf_apt.stats.notebooks.shown import ShownInNotebooks

ROUNDING = 1e-6
"""A spread of the log-partition below this share of it, or of 1, is that of rounding."""


@dataclass(frozen=True)
class AnchorFit(ShownInNotebooks):
    """How well affine functions of the state predict the log-partition, on documents held out."""

    num: int
    """Number of states N."""

    num_groups: int
    """Groups of documents: each was predicted by fits on all others."""

    anchor_E: Float[np.ndarray, " width"]
    """The anchor vector: the slope of the affine fit on all states, the shortest one if there are
    several."""

    intercept: float
    """The constant of the affine fit, in nats."""

    mean: float
    """Mean log-partition in nats."""

    variance: Estimate
    """Variance of the log-partition, in nats squared."""

    errors: Mapping[AnchorArm, Estimate]
    """Mean squared error of each arm on documents that it was not fitted on, in nats squared;
    without `quadratic` where there are no products."""

    r_squared: Mapping[AnchorArm, Estimate] | None
    """1 - error / variance of each arm, at most 1 and below 0 where an arm is worse than the mean;
    None where the log-partition does not vary, but for rounding: the share is not defined."""

    quadratic_gain: Estimate | None
    """Share of the affine arm's error that the quadratic one removes; None without that arm, and
    where the affine error is 0 but for rounding."""

    rank: int
    """Number of directions in which the states vary, at most their width."""

    cosine_to_mean_word: float | None
    """Cosine of the anchor with the mean word vector; None where it is not known or one is 0."""

    @property
    def is_rank_deficient(self) -> bool:
        """Whether the states vary in fewer directions than they have, so that many slopes fit."""
        return self.rank < len(self.anchor_E)

    def facts(self) -> dict[str, str]:
        """Variance, errors and the share explained.

        Returns:
            Texts by name, as a notebook shows them.
        """
        shown = {arm: f"{error.value:.4g}" for arm, error in self.errors.items()}
        affine = None if self.r_squared is None else self.r_squared["affine"]
        return {
            "states": f"{self.num:,}",
            "variance of log Z": f"{self.variance.value:.4g}",
            "error by arm": ", ".join(f"{arm} {error}" for arm, error in shown.items()),
            "R² of the anchor": "not defined"
            if affine is None
            else f"{affine.value:.4g} ± {affine.standard_error:.2g}",
            "directions": f"{self.rank} of {len(self.anchor_E)}",
        }


def fitted(
    sums: AnchorSums,
    *,
    mean_word_E: Float[np.ndarray, " width"] | None = None,
    ridge: float = 0.0,
) -> AnchorFit:
    """The fits that can be read off the sums of groups of documents.

    Raises ValueError for fewer than two groups: there would be nothing to hold out.
    """
    if len(sums.grams) < 2:
        raise ValueError(
            f"there are states of {len(sums.grams)} document, and one is predicted by fits on the "
            "others: give two at least."
        )
    total_WW = sums.total()
    solvers: dict[AnchorArm, Solver] = {
        "linear": Solver.of(total_WW, sums.width, has_intercept=False, ridge=ridge),
        "affine": Solver.of(total_WW, sums.width, has_intercept=True, ridge=ridge),
    }
    if sums.products is not None and sums.products.num:
        num = sums.width + sums.products.num
        solvers["quadratic"] = Solver.of(total_WW, num, has_intercept=True, ridge=ridge)
    held_out = HeldOutErrors(sums, solvers)
    affine = solvers["affine"]
    residual_W = affine.residual(total_WW)
    anchor_E = -residual_W[: sums.width]
    mean = float(total_WW[LOG_BULK, ONE] / total_WW[ONE, ONE])
    variance = held_out.estimate(lambda part: part.variance)
    varies = variance.value > (ROUNDING * max(1.0, abs(mean))) ** 2
    shares: dict[AnchorArm, Estimate] = {
        arm: held_out.estimate(lambda part, arm=arm: 1 - part.errors[arm] / part.variance)
        for arm in held_out.arms
        if varies
    }
    gain = None
    if varies and "quadratic" in solvers and shares["affine"].value < 1 - ROUNDING**2:
        gain = held_out.estimate(lambda part: 1 - part.errors["quadratic"] / part.errors["affine"])
    return AnchorFit(
        num=held_out.num,
        num_groups=len(sums.grams),
        anchor_E=anchor_E,
        intercept=-float(residual_W[ONE]),
        mean=mean,
        variance=variance,
        errors={
            arm: held_out.estimate(lambda part, arm=arm: part.errors[arm]) for arm in held_out.arms
        },
        r_squared=shares or None,
        quadratic_gain=gain,
        rank=affine.rank,
        cosine_to_mean_word=None if mean_word_E is None else _cosine(anchor_E, mean_word_E),
    )


def _cosine(one_E: np.ndarray, other_E: np.ndarray) -> float | None:
    lengths = float(np.linalg.norm(one_E) * np.linalg.norm(other_E))
    return float(one_E @ other_E) / lengths if lengths > 0 else None
