"""A masking rate for each token, in proportion to weights, at an overall rate that is kept."""
# V vocabulary.

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num


def token_rates(
    weights_V: Num[np.ndarray, " vocab"],
    frequency_V: Num[np.ndarray, " vocab"],
    rate: float,
    *,
    most: float = 1.0,
) -> Float[np.ndarray, " vocab"]:
    """The rate of each token, in proportion to its weight as far as none exceeds `most`.

    A token v has the rate min(most, c w_v), with the one c for which the share of modified
    positions is `rate` in a text of these frequencies. Where all tokens that occur have one weight,
    every rate is `rate` itself, to the bit. Source: ours (water-filling).

    Args:
        weights_V: how much more often a token is to be modified than others, at least 0.
        frequency_V: occurrences of each token, or their shares, at least 0; 0 for special tokens,
            which are never modified.
        rate: share of the positions that is modified, above 0 and at most `most`.
        most: the largest rate of a token, at most 1.

    Returns:
        Rates in [0, `most`], float64. Those of tokens that do not occur follow the same c.

    Raises:
        ValueError: for numbers out of range, shapes that differ, no token that occurs, and where
            tokens with a weight above 0 are too rare for `rate`.
    """
    weights_V, frequency_V = (np.asarray(each, np.float64) for each in (weights_V, frequency_V))
    _require_possible(weights_V, frequency_V, rate, most)
    occurs_V = frequency_V > 0
    if (weights_V[occurs_V] == weights_V[occurs_V][0]).all() and weights_V[occurs_V][0] > 0:
        return np.full(len(weights_V), float(rate))
    order_N = np.flatnonzero(occurs_V & (weights_V > 0))
    order_N = order_N[np.argsort(-weights_V[order_N], kind="stable")]
    weights_N = weights_V[order_N]
    shares_N = frequency_V[order_N] / frequency_V.sum()
    # With the k heaviest at `most`, c is what the others need for the rest of the rate.
    capped_N = np.concatenate([[0.0], np.cumsum(shares_N)[:-1]])
    others_N = np.cumsum((shares_N * weights_N)[::-1])[::-1]
    factors_N = (rate - most * capped_N) / others_N
    fits_N = factors_N * weights_N <= most
    if not fits_N.any():  # all at `most`, but for rounding
        return np.where(weights_V > 0, float(most), 0.0)
    return np.minimum(most, factors_N[fits_N.argmax()] * weights_V)


def _require_possible(
    weights_V: np.ndarray, frequency_V: np.ndarray, rate: float, most: float
) -> None:
    if weights_V.ndim != 1 or weights_V.shape != frequency_V.shape:
        raise ValueError(
            f"weights of shape {weights_V.shape} and frequencies of shape {frequency_V.shape} do "
            "not belong together: give one of each for every token."
        )
    for name, values_V in (("weights", weights_V), ("frequencies", frequency_V)):
        wrong_V = ~(np.isfinite(values_V) & (values_V >= 0))
        if wrong_V.any():
            raise ValueError(
                f"{name} must be finite and at least 0, got {values_V[wrong_V][0]} for token "
                f"{int(wrong_V.argmax())}."
            )
    if not 0 < rate <= most <= 1:
        raise ValueError(
            f"the masking rate must be above 0 and at most the largest rate of a token, which is "
            f"at most 1, got {rate} and {most}."
        )
    total = frequency_V.sum()
    if not total > 0:
        raise ValueError("no token occurs: give the frequencies of a text that is not empty.")
    share = frequency_V[weights_V > 0].sum() / total
    if share * most < rate * (1 - 1e-12):
        raise ValueError(
            f"tokens with a weight above 0 are {share:.3g} of the text, and with at most {most:g} "
            f"of them modified that is less than {rate:g}: give more tokens a weight."
        )
