"""Spans that are no mentions: which there are, how many to learn from, and which are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from hf_apt.spans.mentions import Mention, Sentence


def spans_within(num_words: int, max_words: int) -> list[tuple[int, int]]:
    """All spans of 1 to `max_words` words, as (start, end), in the order of the text.

    >>> spans_within(3, 2)
    [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]
    """
    return [
        (start, end)
        for start in range(num_words)
        for end in range(start + 1, min(start + max_words, num_words) + 1)
    ]


def num_negatives(num_words: int, num_mentions: int) -> int:
    """How many spans that are no mentions a sentence gives in an epoch.

    min(int(3 (L + 10 E)), L (L + 1) / 2) for L words and E mentions (arXiv 2205.11799).

    >>> num_negatives(20, 3), num_negatives(40, 2), num_negatives(10, 2)
    (150, 180, 55)
    """
    return min(int(3.0 * (num_words + 10 * num_mentions)), num_words * (num_words + 1) // 2)


def negative_probabilities(
    spans_N2: Int[np.ndarray, "n 2"], mentions: Sequence[Mention], num_words: int
) -> Float[np.ndarray, " n"]:
    """The probability with which each span is drawn as a negative.

    In proportion to exp((overlap + 1) / length), where `length` is the span's number of words and
    `overlap` how many of these are words of mentions: short spans, and those that are nearly a
    mention, come more often (arXiv 2205.11799).
    """
    inside = np.zeros(num_words + 1)
    for start, end, _ in mentions:
        inside[start + 1 : end + 1] = 1
    before = inside.cumsum()
    starts_N, ends_N = spans_N2.T
    weights_N = np.exp((before[ends_N] - before[starts_N] + 1) / (ends_N - starts_N))
    return weights_N / weights_N.sum()


def drawn_negatives(
    sentence: Sentence,
    spans: Sequence[tuple[int, int]],
    *,
    at_most: int | None,
    generator: np.random.Generator,
) -> list[tuple[int, int]]:
    """Those of `spans` that are no mentions of `sentence`, drawn with replacement.

    As many as `num_negatives` says, but no more than there are spans, and at most `at_most`; none
    where every span is a mention. The number does not depend on what is drawn.
    """
    num_words = len(sentence.words)
    true = {(mention.start, mention.end) for mention in sentence.mentions}
    others = [span for span in spans if span not in true]
    num = min(num_negatives(num_words, len(sentence.mentions)), len(spans))
    num = num if at_most is None else min(num, at_most)
    if not others or num < 1:
        return []
    probabilities_N = negative_probabilities(np.array(others), sentence.mentions, num_words)
    drawn = generator.choice(len(others), size=num, p=probabilities_N)
    return [others[index] for index in drawn]
