"""A few sentences to learn from, in which each type of mention occurs K times at least."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from hf_apt.spans.mentions import Sentence


def few_shot(sentences: Sequence[Sentence], num_shots: int, *, seed: int) -> list[int]:
    """Indices of a small sample of `sentences`, sorted, drawn from `seed`.

    Greedy, type after type from the rarest on: sentences with a mention of the type are drawn at
    random until the sample has `num_shots` mentions of it. A sentence brings all its mentions, so
    that frequent types have more. As Yang and Katiyar 2020, arXiv 2010.02405, sample supports, but
    that nothing is taken out again.

    Raises ValueError for fewer than one shot, for sentences without mentions, and for a type of
    fewer mentions.
    """
    if num_shots < 1:
        raise ValueError(f"at least one shot of each type is needed, got {num_shots}.")
    support = _mentions_by_type(sentences)
    if not support:
        raise ValueError("no sentence has a mention: there is nothing to learn.")
    rarest_first = sorted(support, key=lambda label: (support[label], label))
    if support[rarest_first[0]] < num_shots:
        raise ValueError(
            f"there are {support[rarest_first[0]]} mentions of the type {rarest_first[0]!r} to "
            f"draw from, and {num_shots} shots are asked for: ask for fewer."
        )
    order = np.random.default_rng(seed).permutation(len(sentences)).tolist()
    chosen: dict[int, None] = {}
    drawn: Counter[str] = Counter()
    for label in rarest_first:
        for index in order:
            if drawn[label] >= num_shots:
                break
            own = [mention.label for mention in sentences[index].mentions]
            if index not in chosen and label in own:
                chosen[index] = None
                drawn.update(own)
    return sorted(chosen)


def _mentions_by_type(sentences: Sequence[Sentence]) -> Counter[str]:
    return Counter(mention.label for each in sentences for mention in each.mentions)
