"""Mean APT expected at a number of asked positions that measurements have in common.

More text brings in rarer tokens, which are harder: mean APT falls with the number of positions that
were asked, though nothing else changes. Rarefaction undoes this exactly, as it does for numbers of
species in ecology: Hurlbert, The Nonconcept of Species Diversity, Ecology 52 (1971), equation 14.
There it is a count of species, here a mean over tokens (ours).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.apt import require_hits
from hf_apt.stats.config_checks import require_whole_number

_STEPS = (1, 2, 5)
_LEAST = 100


def chance_to_occur(
    support_V: Int[np.ndarray, " vocab"], num_positions: int
) -> Float[np.ndarray, " vocab"]:
    """For each token the chance, in [0, 1], to be among `num_positions` of the asked positions.

    The positions are drawn without replacement from all that were asked, of which `support_V`
    belong to each token: 1 - C(S - s, n) / C(S, n) for a token of s in S positions.

    Raises ValueError unless `num_positions` is from 1 to the number of positions asked.

    >>> chance_to_occur(np.array([1, 3, 0]), 2).tolist()
    [0.5, 1.0, 0.0]
    """
    require_whole_number("num_positions", num_positions)
    total = int(support_V.sum())
    if not 1 <= num_positions <= total:
        raise ValueError(
            f"{num_positions} positions cannot be drawn from the {total} that were asked: choose a "
            f"number from 1 to {total}."
        )
    # C(S - s, n) / C(S, n) is the product of 1 - n / (S - j) over j < s, exact where s is small.
    left_J = total - np.arange(int(support_V.max(initial=0)))
    with np.errstate(divide="ignore"):
        log_J = np.log1p(-np.minimum(num_positions / left_J, 1.0))
    absent_J = np.exp(np.concatenate([[0.0], np.cumsum(log_J)]))
    return 1 - absent_J[support_V]


def rarefied_mean_apt(
    hits: Int[np.ndarray, "*depth vocab"], support_V: Int[np.ndarray, " vocab"], num_positions: int
) -> Float[np.ndarray, "*depth"]:
    """Mean APT that is expected of a given number of the asked positions, at each depth.

    In the mean over all choices of positions a token that occurs has its own APT. So the expected
    sum of APT over the expected number of tokens is the sum of `chance_to_occur` times APT over the
    sum of chances. At all positions it is mean APT itself. Source: rarefaction of numbers of
    species, Hurlbert, Ecology 52 (1971), equation 14; of a mean over tokens it is ours.

    Args:
        hits: right answers of each token id, integers of shape (V,) or (D, V).
        support_V: modified occurrences of each token id, integers of shape (V,).
        num_positions: positions to be chosen, from 1 to the sum of `support_V`.

    Returns:
        Mean APT in [0, 1], of shape () or (D,).

    Raises:
        ValueError: if none or more positions are to be chosen than there are, or no whole number of
            them; if a token has more hits than support, or a negative number of hits.

    >>> float(rarefied_mean_apt(np.array([1, 0]), np.array([1, 3]), 2))
    0.3333333333333333
    """
    require_hits(hits, support_V)
    chance_V = chance_to_occur(support_V, num_positions)
    return (hits / np.maximum(support_V, 1)) @ chance_V / chance_V.sum()


def rarefied_num_tokens(support_V: Int[np.ndarray, " vocab"], num_positions: int) -> float:
    """The number of distinct tokens expected among `num_positions` of the asked positions.

    Raises ValueError as `chance_to_occur` does.
    """
    return float(chance_to_occur(support_V, num_positions).sum())


def common_sizes(total: int) -> tuple[int, ...]:
    """The numbers of positions up to `total` at which all measurements are rarefied.

    >>> common_sizes(2400)
    (100, 200, 500, 1000, 2000)
    """
    sizes = []
    scale = _LEAST
    while scale <= total:
        sizes += [step * scale for step in _STEPS if step * scale <= total]
        scale *= 10
    return tuple(sizes)
