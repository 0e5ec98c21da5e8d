"""APT against how often a token occurs in the training corpus.

Figure 1 of arXiv 2509.03407 (APT grows with frequency), and who contributes to the growth of the
mean from one block to the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from hf_apt.stats.estimates import Estimate, mean_estimate


@dataclass(frozen=True)
class FrequencyBin:
    """Tokens whose corpus frequency lies in [low, high)."""

    low: float
    """Smallest frequency in the bin, in occurrences."""

    high: float
    """Frequency at which the next bin begins."""

    mean_apt: Estimate
    """Mean APT of the bin's tokens."""


def apt_by_frequency(
    apt_V: Float[np.ndarray, " vocab"],
    frequency_V: Integer[np.ndarray, " vocab"],
    *,
    bins_per_decade: int = 3,
) -> list[FrequencyBin]:
    """Mean APT in logarithmic bins of corpus frequency, empty bins left out.

    Tokens that were never asked for (APT is NaN) or never occur in the corpus are not counted.
    """
    counted = ~np.isnan(apt_V) & (frequency_V > 0)
    if not counted.any():
        return []
    bin_of_token = np.floor(np.log10(frequency_V[counted]) * bins_per_decade).astype(int)
    return [
        FrequencyBin(
            low=float(10 ** (index / bins_per_decade)),
            high=float(10 ** ((index + 1) / bins_per_decade)),
            mean_apt=mean_estimate(apt_V[counted][bin_of_token == index]),
        )
        for index in np.unique(bin_of_token)
    ]


def frequency_groups(
    apt_V: Float[np.ndarray, " vocab"],
    frequency_V: Integer[np.ndarray, " vocab"],
    *,
    num_groups: int = 10,
) -> Integer[np.ndarray, " vocab"]:
    """The frequency group of each token: 0 the rarest tenth, 9 the most frequent; -1 not asked for.

    Groups hold equal numbers of tokens (they differ by one at most); equal frequencies are ranked
    by token id.
    """
    asked = np.flatnonzero(~np.isnan(apt_V))
    group_V = np.full(len(apt_V), -1)
    by_frequency = asked[np.argsort(frequency_V[asked], kind="stable")]
    group_V[by_frequency] = np.arange(len(asked)) * num_groups // max(len(asked), 1)
    return group_V


def growth_by_frequency(
    apt_DV: Float[np.ndarray, "depth vocab"],
    frequency_V: Integer[np.ndarray, " vocab"],
    *,
    num_groups: int = 10,
) -> Float[np.ndarray, "steps groups"]:
    """What each frequency group adds to the growth of mean APT from one depth to the next.

    Row m - 1 is the step to depth m and sums to mean APT at m less mean APT at m - 1.
    """
    group_V = frequency_groups(apt_DV[0], frequency_V, num_groups=num_groups)
    num_asked = max(int((group_V >= 0).sum()), 1)
    step_DV = np.diff(apt_DV, axis=0)
    return np.stack(
        [step_DV[:, group_V == group].sum(axis=1) / num_asked for group in range(num_groups)],
        axis=1,
    )


def growth(apt_DV: Float[np.ndarray, "depth vocab"]) -> list[Estimate]:
    """The growth of mean APT from each depth to the next, with the error of the paired difference.

    The same tokens are asked at every depth, so their spread largely cancels in the difference.
    """
    return [mean_estimate(step_V) for step_V in np.diff(apt_DV, axis=0)]
