"""Which two tokens of a text are masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PairPlace:
    """Two positions of a text."""

    text: int
    """The number of the text, from 0."""

    distance: int
    """Tokens from the first to the second."""

    first: int
    """The earlier position, special tokens counted."""

    second: int
    """The later one."""


def pair_places(
    own: Sequence[Sequence[bool]], distances: Sequence[int], seed: int
) -> list[PairPlace]:
    """One pair of each distance in each text, where there is one of two tokens of its own.

    The pair is drawn evenly from all of that distance and depends on the seed, the number of the
    text and the distance alone.

    Args:
        own: for each text which tokens are its own, not special.
        distances: the distances.
        seed: of the draws.

    Returns:
        The pairs, text by text.

    Raises:
        ValueError: where no text has any.
    """
    places = []
    for number, own_T in enumerate(own):
        is_own_T = np.asarray(own_T, bool)
        for distance in distances:
            starts = np.flatnonzero(is_own_T[:-distance] & is_own_T[distance:])
            if len(starts):
                draw = np.random.default_rng((seed, number, distance))
                start = int(draw.choice(starts))
                places.append(PairPlace(number, distance, start, start + distance))
    if not places:
        raise ValueError(
            f"no text has two tokens {min(distances)} apart: give longer texts, or other distances."
        )
    return places
