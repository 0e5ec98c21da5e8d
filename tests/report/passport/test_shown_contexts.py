"""Laws of the stretches of text that the page's script reads."""

import json

from hf_apt.records.token_contexts import Stretch
from hf_apt.report.passport.shown_contexts import shown_contexts


def stretch(*pieces: str) -> Stretch:
    return {"ids": list(range(len(pieces))), "pieces": list(pieces)}


def test_pieces_are_told_apart_whatever_the_text_holds() -> None:
    odd = stretch("a\tb", " ä", "\n")
    ((text, numbers),) = shown_contexts([odd], lambda ids: [9 - one for one in ids])
    assert text.split("\t") == ["a␉b", " ä", "␊"]
    assert numbers == [9, 8, 7]


def test_there_are_as_many_as_there_is_space_for() -> None:
    many = [stretch("word", " and", " \u4e00 word") for _ in range(100)]
    for most in (0, 100, 1_000):
        shown = shown_contexts(many, list, most)
        size = len(json.dumps(shown, separators=(",", ":")))
        assert size <= max(most, 2)
        assert len(shown) == 100 or size > most - 80
