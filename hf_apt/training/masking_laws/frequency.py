"""A law that masks rare tokens more often, and never changes."""
# V vocabulary.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hf_apt.stats.config_checks import require_not_negative, require_positive
from hf_apt.training.masking_laws.law import KnownOfTokens

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float


@dataclass(frozen=True, kw_only=True)
class FrequencyMasking:
    """Rare tokens are masked more often: weight f^-exponent (ours).

    Raises:
        ValueError: for settings out of range.
    """

    name: str = field(default="frequency", init=False)
    """`frequency`."""

    exponent: float = 0.5
    """Power of the inverse frequency, at least 0; at 0 all tokens are alike, at 1 all are asked for
    equally often."""

    most: float = 1.0
    """Largest rate of a token; at 1 it may be asked for wherever it stands, and is hardly seen."""

    def __post_init__(self) -> None:
        require_not_negative(self, "exponent")
        require_positive(self, "most")
        if self.most > 1:
            raise ValueError(f"most must be at most 1, got {self.most!r}.")

    @property
    def every(self) -> None:
        """None: the rates never change."""
        return None

    @property
    def kept(self) -> float:
        """1, as nothing is forgotten."""
        return 1.0

    @property
    def needs_ceiling(self) -> bool:
        """False."""
        return False

    def weights(self, known: KnownOfTokens) -> Float[np.ndarray, " vocab"]:
        """(f / f of the rarest token)^-exponent.

        Args:
            known: the frequency of each token.

        Returns:
            A weight for each token, in (0, 1]; 1 for those that do not occur.
        """
        import numpy as np

        occurring_V = known.frequency_V[known.frequency_V > 0]
        rarest = occurring_V.min() if len(occurring_V) else 1
        return (np.maximum(known.frequency_V, rarest) / rarest) ** -self.exponent
