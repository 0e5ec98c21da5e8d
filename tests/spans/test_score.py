"""Strict F1 against a count by hand of tags, and its ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

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


def is_mention(tags: list[str], start: int, end: int, label: str) -> bool:
    """The definition: all words of the type, a beginning at the first alone, and no word more.

    A beginning is a `B-`, or a word after one that is not of the type.
    """

    def begins(place: int) -> bool:
        own = tags[place][2:] == label
        return own and (tags[place][0] == "B" or not place or tags[place - 1][2:] != label)

    inside = all(tags[place][2:] == label for place in range(start, end))
    ends = end == len(tags) or tags[end][2:] != label or begins(end)
    return inside and begins(start) and ends and not any(map(begins, range(start + 1, end)))


@given(pairs())
def test_it_is_scikit_learns_over_all_spans_that_there_could_be(pairs) -> None:
    """seqeval's strict score, written out: each span and type of each sentence is one yes or no."""
    asked = [
        [
            is_mention(tags[side], start, end, label)
            for tags in pairs
            for start in range(len(tags[side]))
            for end in range(start + 1, len(tags[side]) + 1)
            for label in "ab"
        ]
        for side in range(2)
    ]
    true, predicted = (
        [mentions_of(pair[side], lenient=True) for pair in pairs] for side in range(2)
    )
    score = span_score(true, predicted)
    assert (score.num_true, score.num_predicted) == (sum(asked[0]), sum(asked[1]))
    if any(asked[0]) or any(asked[1]):
        expected = precision_recall_fscore_support(*asked, average="binary", zero_division=0)
        assert (score.precision, score.recall, score.f1) == pytest.approx(expected[:3])


def test_it_is_what_seqeval_prints_of_its_own_example() -> None:
    """From the README of seqeval 1.2.2: F1 of 0.50, 0.00 of MISC and 1.00 of PER."""
    true = ["O O O B-MISC I-MISC I-MISC O".split(), "B-PER I-PER O".split()]
    predicted = ["O O B-MISC I-MISC I-MISC I-MISC O".split(), "B-PER I-PER O".split()]
    pair = [mentions_of(tags) for tags in true], [mentions_of(tags) for tags in predicted]
    assert span_score(*pair).f1 == 0.5
    assert {label: one.f1 for label, one in scores_by_type(*pair).items()} == {
        "MISC": 0.0,
        "PER": 1.0,
    }


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
