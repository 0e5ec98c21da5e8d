"""The surest spans are taken, none of which shares a word: against an oracle that tries all."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_apt.spans.decoding import ScoredSpan, resolved
from hf_apt.spans.mentions import Mention

SPANS = [(start, end) for start in range(5) for end in range(start + 1, 6)]


def spans_of(*spans: Any) -> list[ScoredSpan]:
    return [ScoredSpan(*span, "x") for span in spans]


def test_the_surer_span_takes_its_words() -> None:
    spans = spans_of((0, 3, 0.9), (1, 4, 0.95), (4, 5, 0.6))
    assert resolved(spans) == (Mention(1, 4, "x"), Mention(4, 5, "x"))


def test_what_is_rather_none_is_left_out() -> None:
    assert resolved(spans_of((0, 1, 0.5), (1, 2, 0.51))) == (Mention(1, 2, "x"),)
    assert resolved(spans_of((0, 1, 0.5)), threshold=0.4) == (Mention(0, 1, "x"),)


def test_of_equally_sure_ones_the_earlier_then_the_shorter_goes_first() -> None:
    assert resolved(spans_of((1, 2, 0.9), (0, 2, 0.9), (0, 1, 0.9))) == (
        Mention(0, 1, "x"),
        Mention(1, 2, "x"),
    )


@given(st.permutations(range(len(SPANS))), st.integers(0, len(SPANS)))
def test_it_is_the_first_in_the_order_of_confidence(order, num) -> None:
    """Of all sets without shared words the one whose sorted confidences are the largest."""
    spans = spans_of(*((*SPANS[i], 0.51 + 0.02 * rank) for rank, i in enumerate(order[:num])))
    best: tuple = ()
    for size in range(min(num, 5) + 1):
        for chosen in combinations(spans, size):
            words = [word for span in chosen for word in range(span.start, span.end)]
            if len(set(words)) == len(words):
                best = max(best, tuple(sorted((span.confidence for span in chosen), reverse=True)))
    by_place = {(span.start, span.end): span.confidence for span in spans}
    taken = [by_place[mention[:2]] for mention in resolved(spans)]
    assert sorted(taken, reverse=True) == list(best)


def test_labels_are_kept() -> None:
    spans = [ScoredSpan(2, 3, 0.9, "b"), ScoredSpan(0, 1, 0.8, "a")]
    assert resolved(spans) == (Mention(0, 1, "a"), Mention(2, 3, "b"))


@pytest.mark.parametrize("spans", [[], spans_of((0, 1, 0.1))])
def test_there_may_be_none(spans) -> None:
    assert resolved(spans) == ()
