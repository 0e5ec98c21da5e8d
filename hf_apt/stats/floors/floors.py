"""How right guessers are that know no context: closed forms of how often each token was asked.

A masked language model that has learnt nothing of context is right as often as one of these.
Treatments T are those of `hf_apt.stats.counts.TREATMENTS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from jaxtyping import Float, Integer, Real

from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.counts import TREATMENTS, DepthCounts, refuse_outside
from hf_apt.stats.estimates import plain

UNIFORM, UNIGRAM, COPY = "uniform", "unigram", "copy"
BEST_BLIND, BAND = "copy or unigram", "frequency band"

FLOOR_MEANINGS = {
    UNIFORM: "any token of the vocabulary, all alike",
    UNIGRAM: "always the token that is asked for most often",
    COPY: "what the position shows",
    BEST_BLIND: "what the position shows, and the commonest token where that is a mask",
    BAND: "told how common the token is, to a third of a factor of ten: the commonest such token",
}
"""What each guesser answers."""

BANDS_PER_DECADE = 3


class PlainFloor(TypedDict):
    """A `Floor` as JSON has it: NaN is null."""

    name: str
    accuracy: dict[str, float | None]
    mean_apt: dict[str, float | None]


@dataclass(frozen=True)
class Floor:
    """What a guesser without context is expected to reach: exact, without error."""

    name: str
    """A key of `FLOOR_MEANINGS`."""

    accuracy: dict[str, float]
    """Share of right answers in [0, 1], `pooled` and by treatment; NaN where nothing was asked."""

    mean_apt: dict[str, float]
    """Mean APT in [0, 1] of the tokens that were asked for, by the same keys."""


def floors(
    support_TV: Real[np.ndarray, "3 vocab"],
    *,
    vocab_size: int | None = None,
    replaced_shows_all: bool = True,
) -> list[Floor]:
    """The floors of a text by how often each token was asked for under each treatment.

    - uniform: right by 1 / `vocab_size` everywhere (V, if None).
    - unigram: one token everywhere, the one asked for most often, of equals the lowest id. It is
      chosen in hindsight: no constant answer is right more often.
    - copy: right at unchanged positions, and where a replaced position shows by chance the token
      itself: by 1 / `vocab_size` where all ids are drawn (`hf_apt.data.masking`), never if not
      `replaced_shows_all`. Left out where every position shows a mask or nothing.
    - copy or unigram: copies, but answers one token at masked positions, the one that is asked for
      there most often: all that can be done without context (ours). Left out as copy is.
    - frequency band: tokens asked for from 10^(b/3) up to 10^((b+1)/3) times are of band b; the
      guesser is told the band and answers the token of it that is asked for most often, of equals
      the lowest id (ours). It knows more than nothing: frequency as a model can know it at best.

    Counts may be expectations, and so fractions.

    Raises ValueError if no token was asked for, or one outside of `vocab_size`.

    >>> [floor.accuracy["pooled"] for floor in floors(np.array([[3, 1], [0, 0], [0, 0]]))]
    [0.5, 0.75, 1.0]
    """
    size = support_TV.shape[1] if vocab_size is None else vocab_size
    require_whole_number("vocab_size", size)
    support_V = support_TV.sum(axis=0)
    if not support_V.any():
        raise ValueError("no token was asked for: there is nothing to guess.")
    refuse_outside("asked token id", np.flatnonzero(support_V), size)
    right = {
        UNIFORM: np.full(support_TV.shape, 1 / size),
        UNIGRAM: np.broadcast_to(_is_first(support_V), support_TV.shape),
        COPY: _copied(support_TV, size, replaced_shows_all),
        BEST_BLIND: _copied_or_first(support_TV, size, replaced_shows_all),
        BAND: np.broadcast_to(_is_first_of_band(support_V), support_TV.shape),
    }
    if not support_TV[1:].any():
        del right[COPY], right[BEST_BLIND]
    return [_floor(name, right_TV, support_TV) for name, right_TV in right.items()]


def floors_of(
    counts: DepthCounts, *, vocab_size: int | None = None, replaced_shows_all: bool = True
) -> list[Floor]:
    """The `floors` of the positions that `counts` are of."""
    support_TV = np.stack([counts.support(name) for name in TREATMENTS])
    return floors(support_TV, vocab_size=vocab_size, replaced_shows_all=replaced_shows_all)


def expected_floors(
    support_V: Integer[np.ndarray, " vocab"] | None,
    *,
    vocab_size: int,
    masked_share: float = 0.8,
    replaced_share: float = 0.1,
) -> list[Floor]:
    """The floors, pooled alone, of tokens that are modified by these shares.

    Of each token as many positions are masked, replaced and unchanged as expected. Without
    `support_V` only those floors are given that do not depend on it, uniform and copy.

    Raises ValueError as `floors` does.
    """
    shares_T = np.array([masked_share, replaced_share, 1 - masked_share - replaced_share])
    known = np.ones(1) if support_V is None else support_V
    made = floors(shares_T.round(12)[:, None] * known, vocab_size=vocab_size)
    return [
        Floor(each.name, *({"pooled": of["pooled"]} for of in (each.accuracy, each.mean_apt)))
        for each in made
        if support_V is not None or each.name in (UNIFORM, COPY)
    ]


def plain_floors(made: list[Floor]) -> list[PlainFloor]:
    """The floors as JSON."""
    return plain(made)


def _copied(support_TV: np.ndarray, size: int, replaced_shows_all: bool) -> np.ndarray:
    right_T = np.array([0.0, 1 / size if replaced_shows_all else 0.0, 1.0])
    return np.broadcast_to(right_T[:, None], support_TV.shape)


def _copied_or_first(
    support_TV: np.ndarray, size: int, replaced_shows_all: bool
) -> Float[np.ndarray, "3 vocab"]:
    copied_TV = _copied(support_TV, size, replaced_shows_all)
    return np.concatenate([_is_first(support_TV[0])[None], copied_TV[1:]])


def _is_first(support_V: np.ndarray) -> Float[np.ndarray, " vocab"]:
    right_V = np.zeros(len(support_V))
    right_V[support_V.argmax()] = 1.0
    return right_V


def _is_first_of_band(support_V: np.ndarray) -> Float[np.ndarray, " vocab"]:
    asked = np.flatnonzero(support_V)
    # A whole power of the band's width has to lie in the band that it opens.
    exponents = np.log10(support_V[asked]) * BANDS_PER_DECADE
    bands = np.floor(exponents + 1e-9).astype(int)
    order = np.lexsort((asked, -support_V[asked], bands))
    is_first = np.diff(bands[order], prepend=bands.min() - 1) > 0
    right_V = np.zeros(len(support_V))
    right_V[asked[order[is_first]]] = 1.0
    return right_V


def _floor(name: str, right_TV: np.ndarray, support_TV: np.ndarray) -> Floor:
    hits_TV = right_TV * support_TV
    parts = {"pooled": (hits_TV.sum(axis=0), support_TV.sum(axis=0))}
    parts |= dict(zip(TREATMENTS, zip(hits_TV, support_TV, strict=True), strict=True))
    accuracy, mean_apt = {}, {}
    for key, (hits_V, support_V) in parts.items():
        asked_V = support_V > 0
        total = float(support_V.sum())
        accuracy[key] = float(hits_V.sum()) / total if total else float("nan")
        mean_apt[key] = (
            float((hits_V[asked_V] / support_V[asked_V]).mean()) if total else float("nan")
        )
    return Floor(name, accuracy, mean_apt)
