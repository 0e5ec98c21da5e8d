"""Random numbers of documents: those of document n of a seed depend on the seed and n alone."""
# B documents.

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def document_draws(
    numbers: range, shape: tuple[int, ...], seed: int, stream: int = 0
) -> Float[np.ndarray, "documents ..."]:
    """Uniform numbers in [0, 1) of shape (B, *shape) for the documents `numbers`.

    Those of a document are the first of its own generator, so that any process can make any part,
    and a smaller first axis of `shape` gives the beginning of a larger one. `stream` tells uses
    apart that have to be independent.
    """
    draws = np.empty((len(numbers), *shape))
    for row, number in enumerate(numbers):
        key = (seed, number, stream) if stream else (seed, number)
        np.random.default_rng(key).random(out=draws[row])
    return draws


def drawn(
    probs: Float[np.ndarray, " choices"], draws: Float[np.ndarray, ...]
) -> Int[np.ndarray, ...]:
    """Choices drawn from one distribution by uniform numbers, int64 in the shape of `draws`."""
    totals = np.cumsum(probs)
    # Scaled by the last total, a draw near 1 never passes a sum that rounds below 1.
    return np.searchsorted(totals, draws * totals[-1], side="right")


def entropy_of(probs: Float[np.ndarray, ...]) -> float:
    """The entropy of a distribution in nats, at least 0; choices of probability 0 add nothing."""
    positive = probs[probs > 0]
    return float(-(positive * np.log(positive)).sum()) + 0.0
