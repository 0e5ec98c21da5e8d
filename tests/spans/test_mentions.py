"""BIO tags and mentions say the same, and a tag that says nothing is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_apt.spans.mentions import Mention, Sentence, labels_of, mentions_of, tags_of

TAGS = ["O", "B-a", "I-a", "B-b", "I-b"]


@st.composite
def sentences(draw) -> tuple[list[Mention], int]:
    """Mentions that share no word, and the number of words."""
    end, mentions = 0, []
    for _ in range(draw(st.integers(0, 5))):
        start = end + draw(st.integers(0, 3))
        end = start + draw(st.integers(1, 3))
        mentions.append(Mention(start, end, draw(st.sampled_from(["a", "b", "c-d"]))))
    return mentions, end + draw(st.integers(0, 2))


@given(sentences())
def test_tags_say_what_the_mentions_do(sentence) -> None:
    mentions, num_words = sentence
    tags = tags_of(mentions, num_words)
    assert list(mentions_of(tags)) == mentions
    assert mentions_of(tags, lenient=True) == mentions_of(tags)


@given(st.lists(st.sampled_from(TAGS), max_size=8))
def test_lenient_reading_takes_all_that_is_tagged(tags) -> None:
    """A slow oracle: a mention begins at B, after O, or where the type changes."""
    starts = [
        place
        for place, tag in enumerate(tags)
        if tag != "O"
        and (tag[0] == "B" or not place or tags[place - 1] == "O" or tags[place - 1][1:] != tag[1:])
    ]
    mentions = mentions_of(tags, lenient=True)
    assert [mention.start for mention in mentions] == starts
    inside = {word for start, end, _ in mentions for word in range(start, end)}
    assert inside == {place for place, tag in enumerate(tags) if tag != "O"}
    assert all(tags[start][2:] == label for start, _, label in mentions)


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        (
            ["I-a"],
            "tag 0 is 'I-a' and follows the start of the sentence: a mention begins with B-a",
        ),
        (["O", "I-a"], "tag 1 is 'I-a' and follows O"),
        (["B-b", "I-a"], "tag 1 is 'I-a' and follows B-b"),
        (["B-a", "E-a"], "tag 1 is 'E-a': a tag is O, B-<type>"),
        (["B-"], "tag 0 is 'B-'"),
        ([""], "tag 0 is ''"),
        (["person"], "tag 0 is 'person'"),
    ],
)
def test_a_tag_that_says_nothing_is_named(tags, told) -> None:
    with pytest.raises(ValueError, match=told):
        mentions_of(tags)


@pytest.mark.parametrize("mention", [(0, 0, "a"), (2, 4, "a"), (-1, 1, "a"), (1, 2, "b")])
def test_mentions_that_do_not_fit_are_named(mention) -> None:
    with pytest.raises(ValueError, match="does not fit a sentence of 3 words"):
        tags_of([Mention(0, 2, "a"), Mention(*mention)], 3)


def test_types_are_sorted() -> None:
    one = Sentence(("x", "y"), (Mention(0, 1, "b"), Mention(1, 2, "a")))
    assert labels_of([one, one]) == ("a", "b")
