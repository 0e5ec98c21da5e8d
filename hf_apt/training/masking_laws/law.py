"""What a masking law is: a weight for each token, of what is known of it in training.

Under every law the same share of positions is modified, and by the same random numbers; it says
which tokens that falls on. Measuring and evaluating are left uniform.
"""
# V vocabulary.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class KnownOfTokens:
    """What a law may weigh tokens by."""

    frequency_V: Int[np.ndarray, " vocab"]
    """Occurrences in the training text; 0 for special tokens."""

    hits_V: Float[np.ndarray, " vocab"]
    """Right answers in training so far, older ones discounted."""

    asked_V: Float[np.ndarray, " vocab"]
    """Positions asked for in training so far, discounted alike."""

    ceiling_V: Float[np.ndarray, " vocab"] | None = None
    """The best expected accuracy of each token, where the language is known; NaN for tokens that
    it does not have."""


class MaskingLaw(Protocol):
    """A frozen dataclass that is written as JSON, so that runs can be told from one another.

    `name` is a field with a default that the constructor does not take. Its file is imported
    without torch and NumPy, for the command line.
    """

    @property
    def name(self) -> str:
        """How it is told from other laws."""
        ...

    @property
    def most(self) -> float:
        """The largest rate of a token, at most 1."""
        ...

    @property
    def every(self) -> int | None:
        """Optimiser steps from one renewal of the rates to the next; None if they never change."""
        ...

    @property
    def kept(self) -> float:
        """The share of earlier answers that is kept at each renewal, in [0, 1]."""
        ...

    @property
    def needs_ceiling(self) -> bool:
        """Whether it is for the planted language alone, whose exact ceiling it reads."""
        ...

    def weights(self, known: KnownOfTokens) -> Float[np.ndarray, " vocab"]:
        """The weight of each token, above 0: how much more often it is modified than others."""
        ...
