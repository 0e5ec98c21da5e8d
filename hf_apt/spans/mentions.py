"""Mentions of a sentence, and the BIO tags that say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Mention(NamedTuple):
    """A name in a sentence."""

    start: int
    """Index of its first word."""

    end: int
    """Index of the word after its last one."""

    label: str
    """The type of the mention, such as `person`."""


class Sentence(NamedTuple):
    """Words, and the mentions among them in the order of the text."""

    words: tuple[str, ...]
    """The words, none of them empty."""

    mentions: tuple[Mention, ...]
    """Mentions, none of which share a word."""


def mentions_of(tags: Sequence[str], *, lenient: bool = False) -> tuple[Mention, ...]:
    """The mentions that BIO tags say, in the order of the text.

    Args:
        tags: for each word `O`, `B-<type>` where a mention begins, or `I-<type>` inside of it.
        lenient: begin a mention at an `I-` that continues none, as seqeval does by default; for
            tags that a model gives.

    Returns:
        The mentions; the same whether or not `lenient`, where the tags are valid.

    Raises:
        ValueError: for a tag of another form and, unless `lenient`, for an `I-` that continues no
            mention of its type.

    >>> mentions_of(["B-person", "I-person", "O", "B-group"])
    (Mention(start=0, end=2, label='person'), Mention(start=3, end=4, label='group'))
    """
    mentions: list[Mention] = []
    for place, tag in enumerate(tags):
        prefix, _, label = tag.partition("-") if isinstance(tag, str) else ("", "", "")
        if tag == "O":
            continue
        if prefix not in ("B", "I") or not label:
            raise ValueError(
                f"tag {place} is {tag!r}: a tag is O, B-<type> at the first word of a mention, or "
                "I-<type> inside of it."
            )
        continues = mentions and mentions[-1].end == place and mentions[-1].label == label
        if prefix == "I" and continues:
            mentions[-1] = mentions[-1]._replace(end=place + 1)
        elif prefix == "B" or lenient:
            mentions.append(Mention(place, place + 1, label))
        else:
            before = tags[place - 1] if place else "the start of the sentence"
            raise ValueError(
                f"tag {place} is {tag!r} and follows {before}: a mention begins with B-{label}."
            )
    return tuple(mentions)


def tags_of(mentions: Sequence[Mention], num_words: int) -> list[str]:
    """The BIO tags of a sentence of so many words.

    Raises ValueError for mentions that share a word or leave the sentence.

    >>> tags_of([Mention(1, 3, "person")], 4)
    ['O', 'B-person', 'I-person', 'O']
    """
    tags = ["O"] * num_words
    for mention in mentions:
        start, end, label = mention
        if not 0 <= start < end <= num_words or any(tag != "O" for tag in tags[start:end]):
            raise ValueError(
                f"{mention} does not fit a sentence of {num_words} words whose other mentions have "
                "words of their own."
            )
        tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return tags


def labels_of(sentences: Sequence[Sentence]) -> tuple[str, ...]:
    """The types of the mentions of `sentences`, sorted."""
    return tuple(sorted({mention.label for each in sentences for mention in each.mentions}))
