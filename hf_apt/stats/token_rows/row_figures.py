"""The rows of tokens that are never right, as plain JSON beside those of unused ids."""
# V vocabulary.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TypedDict

import numpy as np
from jaxtyping import Integer

from hf_apt.stats.apt import ASKED_OFTEN, never_right
from hf_apt.stats.token_rows.never_trained import named_unused, never_trained, unseen
from hf_apt.stats.token_rows.token_rows import TokenRows

NUM_SHOWN = 20
"""Tokens whose rows are given."""


class PlainGroup(TypedDict):
    """A `GroupOfRows` as JSON has it."""

    num: int
    norm: float
    bias: float | None
    share_alike: float


class RowFigures(TypedDict):
    """The rows of tokens that were asked often and never right after the last depth.

    `tokens` are the `NUM_SHOWN` most often asked of all `num_tokens`, with `texts`, `support`,
    `norms` and `biases` in their order. `unused` and `right` are what they are held against, and
    null where there is no unused id, or no difference. `unused_are` is `named` or `unseen`.
    `num_untrained` and `look_untrained`, of each of `tokens`, are null unless the sign
    `is_reliable`.
    """

    min_support: int
    num_tokens: int
    num_untrained: int | None
    tokens: list[int]
    texts: list[str]
    support: list[int]
    norms: list[float]
    biases: list[float] | None
    look_untrained: list[bool] | None
    unused_are: str
    unused: PlainGroup | None
    right: PlainGroup | None
    is_reliable: bool


def row_figures(
    rows: TokenRows,
    hits_V: Integer[np.ndarray, " vocab"],
    support_V: Integer[np.ndarray, " vocab"],
    *,
    vocabulary: Sequence[str],
    frequency_V: Integer[np.ndarray, " vocab"],
    min_support: int = ASKED_OFTEN,
) -> RowFigures:
    """The rows of tokens asked at least `min_support` times and never right.

    They are held against ids that are unused by name and, where a vocabulary names none, against
    those that the text never held: which, if the model was trained on another text, can have been
    trained, so that the sign is seldom reliable then. `frequency_V` counts occurrences in the text.
    """
    tokens = never_right(hits_V, support_V, min_support=min_support)
    named_V = named_unused(vocabulary) & (support_V == 0)
    unused_are = "named" if named_V.any() else "unseen"
    unused_V = named_V if named_V.any() else unseen(vocabulary, frequency_V, support_V)
    right_V = (hits_V > 0) & (support_V >= min_support)
    compared = never_trained(rows, unused_V, right_V)
    is_reliable = compared is not None and compared.is_reliable
    shown = tokens[:NUM_SHOWN]
    looks_so_V = compared.looks_so_V if compared and is_reliable else None
    return {
        "min_support": min_support,
        "num_tokens": len(tokens),
        "num_untrained": None if looks_so_V is None else int(looks_so_V[tokens].sum()),
        "tokens": shown.tolist(),
        "texts": [vocabulary[int(token)] for token in shown],
        "support": support_V[shown].tolist(),
        "norms": rows.norms_V[shown].tolist(),
        "biases": None if rows.biases_V is None else rows.biases_V[shown].tolist(),
        "look_untrained": None if looks_so_V is None else looks_so_V[shown].tolist(),
        "unused_are": unused_are,
        "unused": PlainGroup(**asdict(compared.unused)) if compared else None,
        "right": PlainGroup(**asdict(compared.right)) if compared else None,
        "is_reliable": is_reliable,
    }
