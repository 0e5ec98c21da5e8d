"""Inside and outside sums over well-nested spans: the weight of all arrangements with a given pair.

I(i, n) is the sum over the well-nested arrangements of 2n positions from i on of the product of the
weights of their pairs. Its first pair spans 2m positions, and what is in it and after it is well
nested: I(i, n) = sum over m of w(i, i+2m-1) I(i+1, m-1) I(i+2m, n-m). The outside weight of a pair
is the derivative of the whole sum by the pair's weight, found backwards from the same sums.
"""
# B documents, T = 2n positions. Spans are kept by half their length, then by where they begin.

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def outside_weights(
    weights_BTT: Float[np.ndarray, "documents open close"],
) -> Float[np.ndarray, "documents open close"]:
    """The sum over arrangements with a pair of the product of the weights of all other pairs.

    Args:
        weights_BTT: weight of each pair of positions.

    Returns:
        (B, T, T) of which what is no pair of any arrangement is 0.
    """
    num_documents, length, _ = weights_BTT.shape
    half = length // 2
    weights = [_diagonal(weights_BTT, 2 * pair - 1) for pair in range(1, half + 1)]
    inside, bracketed = _inside(weights, num_documents, length)
    of_inside = [np.zeros_like(sums_BS) for sums_BS in inside]
    of_bracketed = [np.zeros_like(sums_BS) for sums_BS in bracketed]
    outside_BTT = np.zeros_like(weights_BTT)
    of_inside[half][:] = 1.0
    for span in range(half, 0, -1):
        # All longer spans are done, and so is the span that this one lies in as a pair's inside.
        of_BS = of_inside[span]
        starts = of_BS.shape[1]
        for pair in range(1, span + 1):
            rest = slice(2 * pair, 2 * pair + starts)
            of_bracketed[pair - 1][:, :starts] += of_BS * inside[span - pair][:, rest]
            of_inside[span - pair][:, rest] += of_BS * bracketed[pair - 1][:, :starts]
        within = slice(1, 1 + starts)
        of_weight_BS = of_bracketed[span - 1] * inside[span - 1][:, within]
        of_inside[span - 1][:, within] += of_bracketed[span - 1] * weights[span - 1]
        places = np.arange(starts)
        outside_BTT[:, places, places + 2 * span - 1] = of_weight_BS
    return outside_BTT


def _inside(
    weights: list[np.ndarray], num_documents: int, length: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(B, starts) sums of well-nested spans by half length, and of spans that are one pair."""
    inside = [np.ones((num_documents, length + 1))]
    bracketed: list[np.ndarray] = []
    for span, weights_BS in enumerate(weights, start=1):
        starts = weights_BS.shape[1]
        bracketed.append(weights_BS * inside[span - 1][:, 1 : 1 + starts])
        sums_BS = np.zeros((num_documents, starts))
        for pair in range(1, span + 1):
            rest_BS = inside[span - pair][:, 2 * pair : 2 * pair + starts]
            sums_BS += bracketed[pair - 1][:, :starts] * rest_BS
        inside.append(sums_BS)
    return inside, bracketed


def _diagonal(weights_BTT: np.ndarray, offset: int) -> np.ndarray:
    """(B, starts) weights of the pairs whose words are `offset` positions apart."""
    return np.diagonal(weights_BTT, offset, axis1=1, axis2=2).copy()
