"""Held-out sentences that the page shows, with what each depth answers: `sentences.json` in a run.

They are written by the measurement that the run's counts come from. A run of a version without
them, of a causal model, or one that was told not to show its text has none.
"""

from __future__ import annotations

import math
from typing import Any, TypedDict

from hf_apt.records.measured_text import REMEDY, read_measured_text, write_measured_text
from hf_apt.records.run import Run

SENTENCES = "hf_apt.shown_sentences/1"
"""The schema of the record."""

_NAME = "sentences.json"


class ShownAnswer(TypedDict):
    """What is answered at one depth, or by the exact best predictor."""

    token: str
    probability: float
    true_probability: float
    true_rank: int


class ShownSentence(TypedDict):
    """One sentence: the text around its mask, the token that was there, and the answers by depth.

    `ceiling` is the exact best answer, null where it is not known.
    """

    before: str
    after: str
    true: str
    answers: list[ShownAnswer]
    ceiling: ShownAnswer | None


class ShownSentences(TypedDict):
    """The sentences, out of how many they were chosen, and the seed that drew their words."""

    num_asked: int
    seed: int
    sentences: list[ShownSentence]


def write_shown_sentences(run: Run, shown: ShownSentences | None, counts: str = "") -> None:
    """Write the sentences beside the fingerprint of the `counts` of the same measurement.

    Those of a measurement before are taken away. None stands for a run that shows none.
    """
    write_measured_text(run, _NAME, SENTENCES, shown, counts)


def read_shown_sentences(run: Run, num_depths: int) -> ShownSentences | None:
    """The sentences of the measurement that the run holds; None where there are none.

    Raises ValueError, with the file's name, if it cannot be read, was changed, or is of another
    measurement or of another number of depths than `num_depths`.
    """
    what, path = "sentences or answers", run.path(_NAME)
    read = read_measured_text(run, _NAME, SENTENCES, ShownSentences.__annotations__, what)
    if read is None:
        return None
    shown: ShownSentences = read  # pyright: ignore
    if not all(map(_is_whole, shown["sentences"])):
        raise ValueError(f"{path} holds other {what} than were written: {REMEDY}.")
    if any(len(sentence["answers"]) != num_depths for sentence in shown["sentences"]):
        raise ValueError(f"{path} is not of the {num_depths} depths of this run: {REMEDY}.")
    return shown


def _is_whole(sentence: Any) -> bool:
    """Whether every answer is one token with probabilities."""
    answers = [*sentence["answers"], *filter(None, [sentence["ceiling"]])]
    return all(
        math.isfinite(answer[key]) and 0 <= answer[key] <= 1
        for answer in answers
        for key in ("probability", "true_probability")
    )
