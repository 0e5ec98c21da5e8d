"""Stretches of the measured text that show as many tokens as possible, a few times each."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hf_apt.data.tokens import Tokens
from hf_apt.records.token_contexts import Stretch, TokenContexts

PER_TOKEN = 3
"""Contexts wanted of a token."""
NUM_STRETCHES = 600
"""Stretches kept at most."""
_LENGTH = 20
"""Tokens of a stretch at most."""
_NUM_READ = 4000
"""Sequences that are looked through at most, spread evenly over the measured text."""


def token_contexts(tokens: Tokens, tokenizer: Any, num_sequences: int) -> TokenContexts | None:
    """Stretches of the first `num_sequences` sequences, none with a special token in it.

    In their order each shows as many tokens as it can that were shown less than three times, so
    that the first n of them serve a page that has room for n. None where there is no text.
    """
    chosen = np.unique(np.linspace(0, num_sequences - 1, _NUM_READ).round().astype(int))
    special = {*tokens.description.special_ids, *tokenizer.all_special_ids}
    stretches = [
        stretch
        for index in chosen
        for stretch in _stretches(tokens.padded(np.array([index]), to_longest=True)[0], special)
    ]
    picked = in_order_of_news(stretches, NUM_STRETCHES)
    kept = [_with_text(stretches[index], tokenizer) for index in picked]
    return {"stretches": kept} if kept else None


def in_order_of_news(stretches: Sequence[Sequence[int]], num: int) -> list[int]:
    """At most `num` indices of stretches, each the one that shows most at its turn.

    A stretch shows the different tokens in it that are in less than three stretches before it; of
    those that show as many the first comes first. It ends when nothing new is shown.

    >>> in_order_of_news([[1, 1, 1], [1, 2], [2, 3, 4]], 2)
    [2, 1]
    """
    times: Counter[int] = Counter()
    # What a stretch shows can only fall, so that a stale figure is never too low.
    waiting = [(-len(set(stretch)), index) for index, stretch in enumerate(stretches)]
    heapq.heapify(waiting)
    picked: list[int] = []
    while waiting and len(picked) < num:
        said, index = heapq.heappop(waiting)
        kinds = set(stretches[index])
        shows = sum(times[token] < PER_TOKEN for token in kinds)
        if shows == -said and shows:
            picked.append(index)
            times.update(kinds)
        elif shows:
            heapq.heappush(waiting, (-shows, index))
    return picked


def _stretches(row: np.ndarray, special: set[int]) -> Iterator[list[int]]:
    """The row in stretches of 2 to 20 tokens, cut at special tokens, which are in none."""
    stretch: list[int] = []
    for token in [*row.tolist(), None]:
        if token is None or token in special or len(stretch) == _LENGTH:
            if len(stretch) > 1:
                yield stretch
            stretch = []
        if token is not None and token not in special:
            stretch.append(token)


def _with_text(ids: list[int], tokenizer: Any) -> Stretch:
    """The stretch with what each token adds to its text."""
    texts = [_text(tokenizer, ids[:end]) for end in range(len(ids) + 1)]
    if all(longer.startswith(text) for text, longer in zip(texts, texts[1:], strict=False)):
        pieces = [longer[len(text) :] for text, longer in zip(texts, texts[1:], strict=False)]
    else:  # a letter of several tokens, which has no text before its end
        pieces = [f" {token}" for token in tokenizer.convert_ids_to_tokens(ids)]
    return {"ids": ids, "pieces": pieces}


def _text(tokenizer: Any, ids: Sequence[int]) -> str:
    return tokenizer.decode(list(ids), clean_up_tokenization_spaces=False)
