"""Held-out sentences out of which some are shown, each with one word to ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hf_apt.data.special_tokens import surroundings
from hf_apt.data.tokens import Tokens
from hf_apt.runs.lens_text import AskedSequence

NUM_ASKED = 40
"""Sequences that a sentence is taken from, spread evenly over the measured text."""

_ENDS = frozenset(".!?。！？")
_SHORTEST, _LONGEST = 8, 40
"""Tokens of a sentence."""
_WHOLE = 64
"""Tokens of a text that has no sentences, from its beginning."""
_LETTERS = 4
"""Letters of a word that is asked for, where there is one as long."""


def candidates(
    tokens: Tokens, tokenizer: Any, num_sequences: int, seed: int, *, whole: bool
) -> list[AskedSequence]:
    """At most `NUM_ASKED` sentences of the first `num_sequences` sequences, in their order.

    A sentence runs from one full stop to the next; with `whole`, and in a text that has none, it is
    a sequence from its beginning. In each one word is masked, drawn by `seed` from those of four
    letters or more that are a token by themselves. Source: ours.
    """
    chosen = np.unique(np.linspace(0, num_sequences - 1, NUM_ASKED).round().astype(int))
    rows = [tokens.padded(np.array([index]), to_longest=True)[0].tolist() for index in chosen]
    special = {*tokens.description.special_ids, *tokenizer.all_special_ids}
    ends = {one for one in set().union(*rows) - special if _text(tokenizer, [one]) in _ENDS}
    rng = np.random.default_rng(seed)
    before, after = surroundings(tokenizer)
    for spans in (_sentences, _beginnings):
        if whole and spans is _sentences:
            continue
        in_rows = [list(spans(row, special, ends)) for row in rows]
        if any(in_rows):
            texts = [some[rng.integers(len(some))] for some in in_rows if some]
            return [_asked(tokenizer, text, before, after, rng) for text in texts]
    return []


def _sentences(row: Sequence[int], special: set[int], ends: set[int]) -> Iterator[list[int]]:
    """What stands between two ends, the second included; nothing with a special token in it."""
    span: list[int] | None = None  # the text before the first end may have begun before the row
    for one in row:
        if one in special:
            span = None
        elif span is not None:
            span.append(one)
        if one in ends:
            if span is not None and _SHORTEST <= len(span) <= _LONGEST:
                yield span
            span = []


def _beginnings(row: Sequence[int], special: set[int], _: set[int]) -> Iterator[list[int]]:
    """The first tokens of a row, up to a special one."""
    start = next((at for at, one in enumerate(row) if one not in special), len(row))
    end = next((at for at in range(start, len(row)) if row[at] in special), len(row))
    if end - start >= 2:
        yield list(row[start : min(end, start + _WHOLE)])


def _asked(
    tokenizer: Any,
    text: list[int],
    before: list[int],
    after: list[int],
    rng: np.random.Generator,
) -> AskedSequence:
    words = _words(tokenizer, text)
    long = [at for at, letters in words.items() if letters >= _LETTERS]
    places = long or list(words) or list(range(len(text)))
    at = places[rng.integers(len(places))]
    shown = [*text[:at], tokenizer.mask_token_id, *text[at + 1 :]]
    return AskedSequence((*before, *shown, *after), (len(before) + at,), (text[at],))


def _words(tokenizer: Any, text: list[int]) -> dict[int, int]:
    """The indices of tokens that are words by themselves, with their numbers of letters."""
    texts = [_text(tokenizer, text[:end], strip=False) for end in range(len(text) + 1)]
    pieces = [
        whole[len(part) :] if whole.startswith(part) else ""
        for part, whole in zip(texts, texts[1:], strict=False)
    ]
    words = {}
    for at, piece in enumerate(pieces):
        begins = at == 0 or not piece[:1].isalnum()
        ends = at + 1 == len(pieces) or not pieces[at + 1][:1].isalnum()
        if begins and ends and piece.strip().isalpha():
            words[at] = len(piece.strip())
    return words


def _text(tokenizer: Any, ids: Sequence[int], *, strip: bool = True) -> str:
    text = tokenizer.decode(list(ids), clean_up_tokenization_spaces=False)
    return text.strip() if strip else text
