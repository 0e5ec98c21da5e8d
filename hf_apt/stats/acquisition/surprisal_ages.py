"""The age of acquisition by surprisal: where a fitted sigmoid is half-way down."""
# S steps, V curves, C candidates.

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int

_PER_DECADE = 50
"""Candidates for the middle of a sigmoid in a decade of steps: 4.7 % apart."""
_WIDTHS = np.geomspace(0.02, 2.0, 24)
"""Candidates for its width, in decades of steps."""
_CURVES_AT_ONCE = 512


def surprisal_ages(
    surprisal_SV: Float[np.ndarray, "steps vocab"],
    steps_S: Int[np.ndarray, " steps"],
    vocab_size: int,
) -> Float[np.ndarray, " vocab"]:
    """The step at which a token's surprisal is half-way from chance to its minimum; NaN for none.

    The definition is Chang and Bergen's, Word Acquisition in Neural Language Models (arXiv
    2110.02406): a sigmoid of log10 steps is fitted to a token's surprisal, and its age is where
    that crosses the middle between chance, log `vocab_size`, and the least surprisal measured.
    `surprisal_SV` is in nats, in whatever depth; steps ascend, and step 0, which has no logarithm,
    is left out. The fit is the best of a grid of middles and widths, for each of which the two
    levels are those of least squares (ours), so that it always ends, and an age is known to 5 %.

    NaN where a surprisal is missing, where the fitted curve does not fall, and where it crosses
    outside of the measured steps. Raises ValueError for less than four steps from 1 on.
    """
    kept_S = steps_S > 0
    if kept_S.sum() < 4:
        raise ValueError(
            f"a sigmoid has four numbers, and there are {int(kept_S.sum())} steps from 1 on: "
            "measure at four steps or more."
        )
    x_S, curves_SV = np.log10(steps_S[kept_S]), surprisal_SV[kept_S]
    num = max(int((x_S[-1] - x_S[0]) * _PER_DECADE) + 1, 2)
    middles_C, widths_C = (
        grid.ravel() for grid in np.meshgrid(np.linspace(x_S[0], x_S[-1], num), _WIDTHS)
    )
    shapes_CS = _falling((x_S - middles_C[:, None]) / widths_C[:, None])
    centred_CS = shapes_CS - shapes_CS.mean(axis=1, keepdims=True)
    spread_C = (centred_CS**2).sum(axis=1)
    told_C = spread_C > 1e-9  # flat at all measured steps otherwise
    middles_C, widths_C, shapes_CS = middles_C[told_C], widths_C[told_C], shapes_CS[told_C]
    centred_CS, spread_C = centred_CS[told_C], spread_C[told_C]
    ages_V = np.full(curves_SV.shape[1], np.nan)
    usable = np.flatnonzero(np.isfinite(curves_SV).all(axis=0))
    for start in range(0, len(usable), _CURVES_AT_ONCE):
        chosen = usable[start : start + _CURVES_AT_ONCE]
        curves_SB = curves_SV[:, chosen]
        means_B = curves_SB.mean(axis=0)
        products_CB = centred_CS @ (curves_SB - means_B)
        # The larger its explained sum of squares, the better a candidate fits.
        explained_CB = np.where(products_CB > 0, products_CB**2 / spread_C[:, None], -1.0)
        best_B = explained_CB.argmax(axis=0)
        ours_B = np.arange(len(chosen))
        height_B = products_CB[best_B, ours_B] / spread_C[best_B]
        low_B = means_B - height_B * shapes_CS[best_B].mean(axis=1)
        half_B = (math.log(vocab_size) + curves_SB.min(axis=0)) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            share_B = (half_B - low_B) / height_B
            crossing_B = middles_C[best_B] + widths_C[best_B] * np.log((1 - share_B) / share_B)
            inside_B = (height_B > 0) & (crossing_B >= x_S[0]) & (crossing_B <= x_S[-1])
        ages_V[chosen] = np.where(inside_B, 10.0**crossing_B, np.nan)
    return ages_V


def _falling(x: np.ndarray) -> np.ndarray:
    """The sigmoid that falls from 1 to 0."""
    from scipy.special import expit

    return expit(-x)
