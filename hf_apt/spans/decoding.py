"""From the probabilities of spans to mentions: the surest first, none that shares a word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hf_apt.spans.mentions import Mention


class ScoredSpan(NamedTuple):
    """What a model says of one span."""

    start: int
    """Index of its first word."""

    end: int
    """Index of the word after its last one."""

    confidence: float
    """Probability that it is a mention."""

    label: str
    """The most probable type if it is one."""


def resolved(spans: Iterable[ScoredSpan], *, threshold: float = 0.5) -> tuple[Mention, ...]:
    """The mentions among `spans`, in the order of the text.

    Spans whose confidence is above the threshold are taken from the surest down, each unless it
    shares a word with one that was taken. Of equally sure ones the earlier goes first, then the
    shorter. Source: arXiv 2205.11799; the order of equals is ours.

    >>> spans = [(0, 3, 0.9), (1, 4, 0.95), (4, 5, 0.6)]
    >>> [mention[:2] for mention in resolved(ScoredSpan(*span, "x") for span in spans)]
    [(1, 4), (4, 5)]
    """
    taken: list[Mention] = []
    for span in sorted(spans, key=lambda each: (-each.confidence, each.start, each.end)):
        if span.confidence <= threshold:
            break
        if all(span.end <= mention.start or mention.end <= span.start for mention in taken):
            taken.append(Mention(span.start, span.end, span.label))
    return tuple(sorted(taken))
