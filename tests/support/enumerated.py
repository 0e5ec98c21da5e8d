"""Artificial languages by enumeration: every document with its probability, in plain loops."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

Documents = dict[tuple[int, ...], float]
"""The probability of each document that there can be."""


def independent(probs, length: int) -> Documents:
    """Words drawn independently."""
    return {
        words: float(np.prod([probs[word] for word in words]))
        for words in itertools.product(range(len(probs)), repeat=length)
    }


def chained(start, table, length: int) -> Documents:
    """Words of a Markov chain."""
    return {
        words: float(start[words[0]])
        * float(np.prod([table[one][two] for one, two in itertools.pairwise(words)]))
        for words in itertools.product(range(len(start)), repeat=length)
    }


def nested(kinds, length: int) -> Documents:
    """Well-nested pairs, all arrangements being equally likely."""

    def arrangements(left: int, opened: int) -> Iterator[str]:
        if left == 0:
            yield ""
            return
        if opened + 1 <= left - 1:
            yield from ("(" + rest for rest in arrangements(left - 1, opened + 1))
        if opened:
            yield from (")" + rest for rest in arrangements(left - 1, opened - 1))

    every = list(arrangements(length, 0))
    documents: Documents = {}
    for shape in every:
        for chosen in itertools.product(range(len(kinds)), repeat=length // 2):
            waiting, stack, words = list(chosen), [], []
            for bracket in shape:
                if bracket == "(":
                    stack.append(waiting.pop(0))
                    words.append(stack[-1])
                else:
                    words.append(len(kinds) + stack.pop())
            documents[tuple(words)] = float(np.prod([kinds[k] for k in chosen])) / len(every)
    return documents


def flat(kinds, distances, length: int) -> Documents:
    """Blocks of crossing pairs, cut after the last word."""
    documents: Documents = {}

    def grow(words: tuple[int, ...], chance: float) -> None:
        if len(words) >= length:
            cut = words[:length]
            documents[cut] = documents.get(cut, 0.0) + chance
            return
        for distance, share in enumerate(distances, start=1):
            for chosen in itertools.product(range(len(kinds)), repeat=distance):
                closing = tuple(len(kinds) + kind for kind in chosen)
                of_kinds = float(np.prod([kinds[kind] for kind in chosen]))
                grow((*words, *chosen, *closing), chance * share * of_kinds)

    grow((), 1.0)
    return documents


def automata(rules, width: int, cells: int, density: float, length: int) -> Documents:
    """Rows of elementary cellular automata, by a table of the eight neighbourhoods."""
    documents: Documents = {}
    for rule in rules:
        table = {f"{place:03b}": bit for place, bit in enumerate(reversed(f"{rule:08b}"))}
        for first in itertools.product("01", repeat=width):
            row, chance, words = "".join(first), 1.0 / len(rules), []
            for cell in row:
                chance *= density if cell == "1" else 1 - density
            while len(words) < length:
                words += [int(row[at : at + cells], 2) for at in range(0, width, cells)]
                ring = row[-1] + row + row[0]
                row = "".join(table[ring[at : at + 3]] for at in range(width))
            key = tuple(words[:length])
            documents[key] = documents.get(key, 0.0) + chance
    return documents


def entropy(documents: Documents) -> float:
    """In nats."""
    return -sum(chance * float(np.log(chance)) for chance in documents.values() if chance)


def frequencies(documents: Documents, num_words: int) -> np.ndarray:
    """Expected share of each word."""
    shares = np.zeros(num_words)
    for words, chance in documents.items():
        for word in words:
            shares[word] += chance / len(words)
    return shares


def seen_through(masking, shown: int, word: int, *, is_asked: bool) -> float:
    """How likely BERT's corruption shows this for `word`; -1 is a mask."""
    other = masking.replaced_share / masking.vocab_size
    itself = 1 - masking.masked_share - masking.replaced_share
    masked = masking.masked_share + other  # a mask can be drawn as a replacement, too
    modified = masked if shown < 0 else other + itself * (shown == word)
    if is_asked:
        return modified
    return masking.rate * modified + (1 - masking.rate) * (shown == word)


def posterior(documents: Documents, shown, asked: int, num_words: int, masking) -> np.ndarray:
    """The distribution of one modified word given what is shown of its document."""
    total = np.zeros(num_words)
    for words, chance in documents.items():
        for place, (seen, word) in enumerate(zip(shown, words, strict=True)):
            chance *= seen_through(masking, seen, word, is_asked=place == asked)
        total[words[asked]] += chance
    return total / total.sum()
