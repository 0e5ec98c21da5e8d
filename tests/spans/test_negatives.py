"""Numbers of negatives as known, probabilities as a loop has them, and never a mention."""

import math

import numpy as np
import pytest

from hf_apt.spans.mentions import Mention, Sentence
from hf_apt.spans.negatives import (
    drawn_negatives,
    negative_probabilities,
    num_negatives,
    spans_within,
)

MENTIONS = (Mention(1, 3, "a"), Mention(5, 6, "b"))
SENTENCE = Sentence(tuple("abcdefgh"), MENTIONS)


@pytest.mark.parametrize(
    ("num_words", "num_mentions", "expected", "of_all"),
    [(5, 1, 15, 15), (10, 2, 55, 55), (20, 3, 150, 210), (40, 2, 180, 820)],
)
def test_numbers_are_those_known(num_words, num_mentions, expected, of_all) -> None:
    assert num_negatives(num_words, num_mentions) == expected
    assert len(spans_within(num_words, num_words)) == of_all


@pytest.mark.parametrize("max_words", [1, 3, 8, 20])
def test_spans_are_all_of_few_enough_words(max_words) -> None:
    expected = {(i, j) for i in range(8) for j in range(i + 1, 9) if j - i <= max_words}
    assert set(spans_within(8, max_words)) == expected
    assert len(spans_within(8, max_words)) == len(expected)


def test_probabilities_are_those_of_a_loop() -> None:
    spans = spans_within(8, 8)
    expected = []
    for start, end in spans:
        overlap = sum(a <= word < b for word in range(start, end) for a, b, _ in MENTIONS)
        expected.append(math.exp((overlap + 1) / (end - start)))
    actual = negative_probabilities(np.array(spans), MENTIONS, 8)
    np.testing.assert_allclose(actual, np.array(expected) / sum(expected), rtol=1e-12)


def test_draws_are_spans_that_are_no_mentions_as_often_as_expected() -> None:
    spans = spans_within(8, 4)
    generator = np.random.default_rng(0)
    num = min(num_negatives(8, 2), len(spans))
    drawn = [
        span
        for _ in range(200)
        for span in drawn_negatives(SENTENCE, spans, at_most=None, generator=generator)
    ]
    assert len(drawn) == 200 * num
    others = [span for span in spans if span not in {(1, 3), (5, 6)}]
    assert set(drawn) == set(others)
    expected_N = len(drawn) * negative_probabilities(np.array(others), MENTIONS, 8)
    counts_N = np.array([drawn.count(span) for span in others])
    deviations_N = (counts_N - expected_N) / np.sqrt(expected_N)
    assert np.abs(deviations_N).max() < 4.5


def test_limits_are_kept_and_there_may_be_none() -> None:
    generator = np.random.default_rng(0)
    spans = spans_within(8, 2)
    assert len(drawn_negatives(SENTENCE, spans, at_most=3, generator=generator)) == 3
    assert drawn_negatives(SENTENCE, spans, at_most=0, generator=generator) == []
    whole = Sentence(("a",), (Mention(0, 1, "a"),))
    assert drawn_negatives(whole, [(0, 1)], at_most=None, generator=generator) == []
