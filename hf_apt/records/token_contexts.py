"""Stretches of the measured text in which tokens stand: `contexts.json` in a run.

They are written by the measurement that the run's counts come from, for the passports of tokens on
its page. A run of a version without them, or one that was told not to show its text, has none.
"""

from __future__ import annotations

from typing import TypedDict

from hf_apt.records.measured_text import REMEDY, read_measured_text, write_measured_text
from hf_apt.records.run import Run

CONTEXTS = "hf_apt.token_contexts/1"
"""The schema of the record."""

_NAME = "contexts.json"


class Stretch(TypedDict):
    """Neighbouring tokens of the text: their ids, and the text of each with the space before it."""

    ids: list[int]
    pieces: list[str]


class TokenContexts(TypedDict):
    """Stretches in an order in which the first ones show as many different tokens as they can."""

    stretches: list[Stretch]


def write_token_contexts(run: Run, contexts: TokenContexts | None, counts: str = "") -> None:
    """Write the stretches beside the fingerprint of the `counts` of the same measurement.

    Those of a measurement before are taken away. None stands for a run that shows none.
    """
    write_measured_text(run, _NAME, CONTEXTS, contexts, counts)


def read_token_contexts(run: Run) -> TokenContexts | None:
    """The stretches of the measurement that the run holds; None where there are none.

    Raises ValueError, with the file's name, if it cannot be read, was changed, or is of another
    measurement.
    """
    keys = TokenContexts.__annotations__
    read = read_measured_text(run, _NAME, CONTEXTS, keys, "stretches of text")
    if read is None:
        return None
    contexts: TokenContexts = read  # pyright: ignore
    if any(len(each["ids"]) != len(each["pieces"]) for each in contexts["stretches"]):
        raise ValueError(f"{run.path(_NAME)} has other tokens than pieces of text: {REMEDY}.")
    return contexts
