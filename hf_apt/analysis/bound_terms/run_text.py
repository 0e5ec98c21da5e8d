"""The text that a run was pre-trained on, out of its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hf_apt.data.tokens import Tokens


def tokens_of(folder: Path) -> tuple[Tokens, Tokens]:
    """Training and held-out sequences of a run.

    Raises ValueError where the folder has none, or broken ones.
    """
    return Tokens(folder / "tokens" / "train"), Tokens(folder / "tokens" / "validation")


def decoded_texts(tokens: Tokens, tokenizer: Any, num_texts: int) -> list[str]:
    """`num_texts` sequences, evenly spread over all, as text without special tokens.

    There are fewer where there are fewer sequences with a token of their own.
    """
    places = np.linspace(0, len(tokens) - 1, min(num_texts, len(tokens))).astype(int)
    special = set(tokens.description.special_ids)
    texts = []
    for place in np.unique(places):
        ids = tokens.ids[tokens.starts[place] : tokens.starts[place + 1]].tolist()
        own = [each for each in ids if each not in special]
        if own:
            texts.append(tokenizer.decode(own))
    return texts
