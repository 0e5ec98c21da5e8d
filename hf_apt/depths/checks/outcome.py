"""What one check of a model found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """How one check ended."""

    status: Status
    """`skipped` where the check says nothing of this model."""

    sentence: str
    """The value that was seen and, where the check failed, the remedy."""


def passed(sentence: str) -> Outcome:
    """The model does what it should."""
    return Outcome("passed", sentence)


def failed(sentence: str) -> Outcome:
    """The model does not do what it should; the sentence says what to do."""
    return Outcome("failed", sentence)


def skipped(sentence: str) -> Outcome:
    """The check says nothing of this model; the sentence says why."""
    return Outcome("skipped", sentence)


def judged(is_right: bool, right: str, wrong: str) -> Outcome:
    """Passed with the sentence `right`, or failed with the sentence `wrong`."""
    return passed(right) if is_right else failed(wrong)
