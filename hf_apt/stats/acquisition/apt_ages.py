"""The age of acquisition by accuracy, and forgetting, of each token at each depth."""
# S steps, D depths, V vocabulary.

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int


def apt_ages(
    apt_SDV: Float[np.ndarray, "steps depth vocab"], steps_S: Int[np.ndarray, " steps"]
) -> Float[np.ndarray, "depth vocab"]:
    """The first step from which APT stays above half its final value (ours).

    From there on APT is above the half at every measured step, so that a lucky measurement before
    does not count. The first of `steps_S`, which ascend, if it was so from the start; NaN where
    the final APT is 0 or not known.

    >>> apt_ages(np.array([0.1, 0.5, 0.2, 0.6, 0.8])[:, None, None], np.arange(5)).tolist()
    [[3.0]]
    """
    final_DV = apt_SDV[-1]
    with np.errstate(invalid="ignore"):
        above_SDV = apt_SDV > final_DV / 2
    stays_SDV = np.logical_and.accumulate(above_SDV[::-1])[::-1]
    first_DV = stays_SDV.argmax(axis=0)
    return np.where(stays_SDV[-1], steps_S[first_DV].astype(float), np.nan)


def forgetting(
    apt_SDV: Float[np.ndarray, "steps depth vocab"],
) -> Float[np.ndarray, "depth vocab"]:
    """The largest APT over steps less the final one, in [0, 1] (ours).

    A maximum over noisy measurements is above the truth: with one measurement far above its
    neighbours a token seems to be forgotten that is not.
    """
    return apt_SDV.max(axis=0) - apt_SDV[-1]


def is_learnt(
    final_apt_DV: Float[np.ndarray, "depth vocab"],
    support_V: Int[np.ndarray, " vocab"],
    *,
    min_support: int,
) -> Bool[np.ndarray, "depth vocab"]:
    """Tokens asked often enough, whose final APT is at least two binomial errors above 0 (ours).

    The others have no age: half of a figure that may be 0 is noise. That takes four right
    answers at least, unless all are right.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        errors_DV = np.sqrt(final_apt_DV * (1 - final_apt_DV) / support_V)
    return (support_V >= max(min_support, 1)) & (final_apt_DV > 2 * errors_DV) & (final_apt_DV > 0)
