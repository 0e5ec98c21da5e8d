"""Strict F1 against a count by hand of tags, and its ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_apt.spans.mentions import mentions_of
from hf_apt.spans.score import scores_by_type, span_score

TAGS = ["O", "B-a", "I-a", "B-b", "I-b"]


@st.composite
def pairs(draw) -> list[tuple[list[str], list[str]]]:
    """True and predicted tags of some sentences."""
    tags = st.sampled_from(TAGS)
    lengths = draw(st.lists(st.integers(0, 6), min_size=1, max_size=4))
    return [
        tuple(draw(st.lists(tags, min_size=num, max_size=num)) for _ in range(2)) for num in lengths
    ]


def chunks(tags: list[str]) -> set[tuple[str, int, int]]:
    """The oracle: chunks of neighbouring words, found from their ends, as conlleval does."""
    spans, start = set(), None
    for place in range(len(tags) + 1):
        tag = tags[place] if place < len(tags) else "O"
        before = tags[place - 1] if place else "O"
        ends = before != "O" and (tag[0] in "OB" or tag[1:] != before[1:])
        if ends:
            spans.add((before[2:], start, place))
        if tag != "O" and (ends or before == "O"):
            start = place
    return spans


def by_hand(pairs, label=None) -> tuple[float, float, float]:
    true, said, right = 0, 0, 0
    for tags, predicted in pairs:
        one = {each for each in chunks(tags) if label in (None, each[0])}
        two = {each for each in chunks(predicted) if label in (None, each[0])}
        true, said, right = true + len(one), said + len(two), right + len(one & two)
    precision, recall = right / max(said, 1), right / max(true, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-300)


@given(pairs())
def test_it_is_the_count_by_hand(pairs) -> None:
    true, predicted = (
        [mentions_of(pair[side], lenient=True) for pair in pairs] for side in range(2)
    )
    score = span_score(true, predicted)
    assert (score.precision, score.recall, score.f1) == pytest.approx(by_hand(pairs))
    for label, one in scores_by_type(true, predicted).items():
        assert (one.precision, one.recall, one.f1) == pytest.approx(by_hand(pairs, label))


@given(pairs())
def test_it_is_that_of_seqeval(pairs) -> None:
    metrics = pytest.importorskip("seqeval.metrics")
    true, predicted = ([pair[side] for pair in pairs] for side in range(2))
    score = span_score(
        [mentions_of(tags, lenient=True) for tags in true],
        [mentions_of(tags, lenient=True) for tags in predicted],
    )
    for name in ("precision", "recall", "f1"):
        expected = getattr(metrics, f"{name}_score")(true, predicted, zero_division=0)
        assert getattr(score, name) == pytest.approx(expected)


def test_words_and_type_have_to_be_right() -> None:
    true = [mentions_of(["B-a", "I-a", "O", "B-b"])]
    for tags, right in (
        (["B-a", "I-a", "O", "B-b"], 2),
        (["B-a", "O", "O", "B-b"], 1),
        (["B-a", "B-a", "O", "B-a"], 0),
        (["O", "O", "O", "O"], 0),
    ):
        assert span_score(true, [mentions_of(tags)]).num_right == right


def test_nothing_there_and_nothing_said_is_0() -> None:
    score = span_score([()], [()])
    assert (score.precision, score.recall, score.f1) == (0.0, 0.0, 0.0)
    assert scores_by_type([()], [()]) == {}


def test_other_sentences_are_refused() -> None:
    with pytest.raises(ValueError, match="mentions of 1 sentences and predictions for 2"):
        span_score([()], [(), ()])
