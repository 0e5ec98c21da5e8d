"""What tokens are taken for at one step of a training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hf_apt.stats.counts import DepthCounts, PairCounts


@dataclass(frozen=True)
class TakenFor:
    """A token that is often answered by another one."""

    token: int
    """The id of the token that was asked for."""

    answer: int
    """The id of the answer."""

    share: float
    """Share of the token's positions with this answer, in (0, 1]."""


def strongest_confusions(
    counts: DepthCounts, *, min_support: int, most: int = 10
) -> list[list[TakenFor]]:
    """At each depth the wrong answers with the largest share of a token's positions (ours).

    Of tokens that were asked at least `min_support` times; each token with its commonest wrong
    answer alone. At most `most` of them, the largest share first, of equal ones that of the token
    asked more often.
    """
    support_V = counts.support()
    return [
        _at_depth(counts.at(depth), support_V, min_support, most)
        for depth in range(counts.num_depths)
    ]


def _at_depth(
    pairs: PairCounts, support_V: np.ndarray, min_support: int, most: int
) -> list[TakenFor]:
    entries = pairs.matrix().tocoo()
    kept = (entries.row != entries.col) & (support_V[entries.row] >= max(min_support, 1))
    tokens, answers, given = entries.row[kept], entries.col[kept], entries.data[kept]
    shares = given / support_V[tokens]
    order = np.lexsort((answers, tokens, -support_V[tokens], -shares))
    tokens, answers, shares = tokens[order], answers[order], shares[order]
    first = np.sort(np.unique(tokens, return_index=True)[1])[:most]
    return [
        TakenFor(int(tokens[index]), int(answers[index]), float(shares[index])) for index in first
    ]
