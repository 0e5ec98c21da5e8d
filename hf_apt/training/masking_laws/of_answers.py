"""Laws that follow the model's own answers in training."""
# V vocabulary.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hf_apt.stats.config_checks import require_positive, require_whole
from hf_apt.training.masking_laws.law import KnownOfTokens

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float


@dataclass(frozen=True, kw_only=True)
class _OfAnswers:
    """What the laws of answers share."""

    every: int = 100
    """Optimiser steps from one renewal of the rates to the next; until the first no token counts
    as known."""

    floor: float = 0.05
    """Smallest weight, above 0 and at most 1, so that a token that is always right is still asked
    for."""

    kept: float = 0.5
    """Share of earlier answers that is kept at each renewal, from 0 to 1."""

    prior: float = 10.0
    """Positions, answered as well as all are, that count as asked of every token beforehand."""

    most: float = 1.0
    """Largest rate of a token; at 1 it may come to be asked for wherever it stands, and is hardly
    seen any more."""

    def __post_init__(self) -> None:
        require_whole(self, "every")
        require_positive(self, "floor", "prior", "most")
        for name in ("floor", "most"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name} must be at most 1, got {getattr(self, name)!r}.")
        if not 0 <= self.kept <= 1:
            raise ValueError(f"kept must be a share from 0 to 1, got {self.kept!r}.")

    def _accuracy(self, known: KnownOfTokens) -> Float[np.ndarray, " vocab"]:
        from hf_apt.stats.masking_laws.shrunken_accuracy import shrunken_accuracy

        return shrunken_accuracy(known.hits_V, known.asked_V, prior=self.prior)


@dataclass(frozen=True, kw_only=True)
class AbilityMasking(_OfAnswers):
    """Tokens that are answered wrongly are masked more often: weight 1 - accuracy.

    After adaptive masking, AMLM, arXiv 2510.20475; formula ours.

    Raises:
        ValueError: for settings out of range.
    """

    name: str = field(default="ability", init=False)
    """`ability`."""

    @property
    def needs_ceiling(self) -> bool:
        """False."""
        return False

    def weights(self, known: KnownOfTokens) -> Float[np.ndarray, " vocab"]:
        """max(1 - accuracy, floor).

        Args:
            known: right answers and asked positions of each token.

        Returns:
            A weight for each token, in [floor, 1].
        """
        return (1 - self._accuracy(known)).clip(min=self.floor)


@dataclass(frozen=True, kw_only=True)
class CeilingMasking(_OfAnswers):
    """Tokens that can still be learnt are masked more often: weight ceiling - accuracy (ours).

    The ceiling is the accuracy of the exact best predictor: of the planted language alone.

    Raises:
        ValueError: for settings out of range.
    """

    name: str = field(default="ceiling", init=False)
    """`ceiling`."""

    @property
    def needs_ceiling(self) -> bool:
        """True."""
        return True

    def weights(self, known: KnownOfTokens) -> Float[np.ndarray, " vocab"]:
        """max(ceiling - accuracy, floor).

        Args:
            known: right answers, asked positions and ceiling of each token.

        Returns:
            A weight for each token, in [floor, 1].

        Raises:
            ValueError: if the ceiling is not known.
        """
        if known.ceiling_V is None:
            raise ValueError(
                "the masking law ceiling is for the planted language, whose best accuracy is "
                "known: take ability for other text."
            )
        import numpy as np

        gap_V = np.nan_to_num(known.ceiling_V) - self._accuracy(known)
        return gap_V.clip(min=self.floor)
