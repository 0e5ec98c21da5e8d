"""Which tokens a model answers better than another at the same positions, beyond chance."""
# T tokens, G groups of sequences.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer


def sign_flip_p_values(
    gains_TG: Integer[np.ndarray, "tokens groups"],
) -> Float[np.ndarray, " tokens"]:
    """The exact two-sided p-value of each token's gain, summed over groups, in (0, 1].

    If neither model is better, each group's gain is as likely with the other sign: the p-value is
    the share of all choices of signs whose sum is at least as far from 0 (Fisher, The Design of
    Experiments, 1935, section 21). Every choice is counted. Where positions are independent and no
    model is better at any, it holds whenever McNemar's test does; it also holds where positions of
    one sequence go together, which McNemar's does not. 1 for a token without a gain in any group.

    >>> sign_flip_p_values(np.array([[1, 1, 1, 2], [1, -1, 0, 0]])).tolist()
    [0.125, 1.0]
    """
    sizes_TG = np.sort(np.abs(gains_TG).astype(np.int64), axis=1)
    unique_UG, rows_T = np.unique(sizes_TG, axis=0, return_inverse=True)
    beyond = [_shares_beyond(sizes_G[sizes_G > 0].tolist()) for sizes_G in unique_UG]
    far_T = np.abs(gains_TG.sum(axis=1)).tolist()
    rows = rows_T.reshape(-1).tolist()
    return np.array([beyond[row][far] for row, far in zip(rows, far_T, strict=True)])


def _shares_beyond(sizes: list[int]) -> np.ndarray:
    """For each distance from 0 on, the share of the choices of signs with a sum as far or more."""
    chances = np.ones(1)  # of the sums from -n to n
    for size in sizes:
        wider = np.zeros(len(chances) + 2 * size)
        wider[: len(chances)] += chances / 2
        wider[2 * size :] += chances / 2
        chances = wider
    middle = len(chances) // 2
    far = chances[middle:].copy()
    far[1:] *= 2
    return np.cumsum(far[::-1])[::-1]


@dataclass(frozen=True)
class Changes:
    """Tokens gained and lost, at a false-discovery rate."""

    p_values_T: Float[np.ndarray, " tokens"]
    """The p-value of each token (`sign_flip_p_values`)."""

    adjusted_T: Float[np.ndarray, " tokens"]
    """The least false-discovery rate at which a token counts as changed; NaN if not tested."""

    gained_T: Bool[np.ndarray, " tokens"]
    """Tokens that B answers better."""

    lost_T: Bool[np.ndarray, " tokens"]
    """Tokens that A answers better."""

    @property
    def num_tested(self) -> int:
        """Number of tokens whose gains lie in groups enough to be told from chance."""
        return int((~np.isnan(self.adjusted_T)).sum())


def changes(gains_TG: Integer[np.ndarray, "tokens groups"], rate: float = 0.05) -> Changes:
    """The tokens that changed, of which a share of at most `rate` is expected to be chance.

    By the procedure of Benjamini and Hochberg (1995). Tested are tokens whose gains lie in so many
    groups k that their least possible p-value, 2^(1 - k), is at most `rate`: that is known without
    the signs, so that leaving the others out keeps the rate (Gilbert, A modified false discovery
    rate multiple-comparisons procedure for discrete data, 2005). It takes the tokens as
    independent, or as depending on one another positively.

    Raises ValueError for a rate outside (0, 1).
    """
    if not 0 < rate < 1:
        raise ValueError(f"a false-discovery rate lies between 0 and 1, got {rate!r}.")
    p_values_T = sign_flip_p_values(gains_TG)
    tested_T = 2.0 ** (1 - np.count_nonzero(gains_TG, axis=1)) <= rate
    adjusted_T = np.full(len(gains_TG), np.nan)
    if tested_T.any():
        from scipy.stats import false_discovery_control

        adjusted_T[tested_T] = false_discovery_control(p_values_T[tested_T])
    changed_T, gain_T = adjusted_T <= rate, gains_TG.sum(axis=1)
    return Changes(p_values_T, adjusted_T, changed_T & (gain_T > 0), changed_T & (gain_T < 0))
