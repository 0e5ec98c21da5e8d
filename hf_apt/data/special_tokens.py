"""The special tokens that a tokenizer puts around a text, found by texts of its own vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_BATCH = 1000


def surroundings(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The ids that `tokenizer` puts before and after a text.

    They are read off a text that becomes tokens which are not special: "a", or else the first token
    of the vocabulary that does, as a vocabulary need not know "a". Source: ours.

    Raises ValueError where no text becomes such tokens, and where the ids of a text are not in one
    piece.
    """
    special = set(tokenizer.all_special_ids)
    for text, bare in _tokenised(tokenizer):
        if not bare or special & set(bare):
            continue
        whole = list(tokenizer(text)["input_ids"])
        for start in range(len(whole) - len(bare) + 1):
            if whole[start : start + len(bare)] == bare:
                return whole[:start], whole[start + len(bare) :]
        raise ValueError(
            f"the tokenizer makes {bare} of {text!r}, and {whole} with special tokens, in which "
            "those are not: where a text begins and ends cannot be told."
        )
    raise ValueError(
        "the tokenizer makes no token that is not special of any token of its vocabulary: it "
        "cannot tokenise text."
    )


def _tokenised(tokenizer: Any) -> Iterator[tuple[str, list[int]]]:
    """Texts that should have tokens, with their ids, but without special tokens."""
    yield "a", list(tokenizer("a", add_special_tokens=False)["input_ids"])
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    for start in range(0, len(tokens), _BATCH):
        texts = [_as_text(tokenizer, token) for token in tokens[start : start + _BATCH]]
        rows = tokenizer(texts, add_special_tokens=False)["input_ids"]
        yield from ((text, list(ids)) for text, ids in zip(texts, rows, strict=True))


def _as_text(tokenizer: Any, token: str) -> str:
    return str(tokenizer.convert_tokens_to_string([token]))
