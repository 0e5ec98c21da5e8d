"""The tokens that two models have in common, and those of them that a user names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool


def common_vocabulary(
    words_a: Sequence[str], words_b: Sequence[str], *, a: str, b: str
) -> list[str]:
    """The words by id; ids that one of the two alone has are told by it.

    `a` and `b` name them in sentences. Raises ValueError where an id is another word in the other.
    """
    for token, (word_a, word_b) in enumerate(zip(words_a, words_b, strict=False)):
        if word_a != word_b:
            raise ValueError(
                f"token {token} is {word_a!r} in {a} and {word_b!r} in {b}: measure both with one "
                "tokenizer, which `hf-apt measure --tokenizer` names."
            )
    return list(max(words_a, words_b, key=len))


def named_tokens(
    vocabulary: Sequence[str], tokens: Sequence[str] | None, name: str
) -> Bool[np.ndarray, " vocab"] | None:
    """Which ids the `tokens` are; None for None.

    Raises ValueError for no token, and for one that the vocabulary, that of `name`, lacks.
    """
    if tokens is None:
        return None
    ids = {word: token for token, word in enumerate(vocabulary)}
    missing = [word for word in tokens if word not in ids]
    if missing or not tokens:
        said = f"{missing[0]!r} is no token of {name}" if missing else "no token was named"
        raise ValueError(
            f"{said}: give tokens as they stand in its vocabulary.json, such as {vocabulary[-1]!r}."
        )
    named_V = np.zeros(len(vocabulary), bool)
    named_V[[ids[word] for word in tokens]] = True
    return named_V
