"""Planted languages of one grammar: the numbers by which they differ, and their bounds."""
# P parameters, in the order of `NAMES`.

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import numpy as np
from jaxtyping import Float

from hf_apt.data.planted.language import PlantedLanguage, planted_language


@dataclass(frozen=True, kw_only=True)
class LanguageParameters:
    """Probabilities and exponents of a planted language; words and frames are those of its seed."""

    preference: float = 0.8
    """Probability of the preferred member of a paradigm."""

    member_exponent: float = 0.7
    """Zipf exponent of the members where the preferred one is not taken."""

    topic_exponent: float = 0.3
    """Zipf exponent of the topics."""

    latent_exponent: float = 0.3
    """Zipf exponent of the sentence latents."""

    frame_exponent: float = 0.5
    """Zipf exponent of the frames."""

    frame_follow: float = 0.4
    """Probability that a frame is followed by its fixed successor."""

    latent_follow: float = 0.0
    """Probability that a latent is followed by the next one in cyclic order."""

    def language(self, seed: int = 0) -> PlantedLanguage:
        """The language; those of one seed prefer the same words in the same contexts."""
        return planted_language(seed=seed, **asdict(self))


NAMES = tuple(field.name for field in fields(LanguageParameters))
"""The parameters, in the order of places."""

_PROBABILITIES = ("preference", "frame_follow", "latent_follow")

Bound = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class LanguageBounds:
    """The smallest and the largest value of each parameter: a box of languages.

    A place is a point of the unit cube, each coordinate the share of the way from the smallest to
    the largest value of a parameter.

    Raises:
        ValueError: for a smallest value above the largest one, a probability outside [0, 1], and a
            negative exponent.
    """

    preference: Bound = (0.3, 0.95)
    """Bounds of the probability of a paradigm's preferred member."""

    member_exponent: Bound = (0.0, 1.5)
    """Bounds of the Zipf exponent of members where the preferred one is not taken."""

    topic_exponent: Bound = (0.0, 1.5)
    """Bounds of the Zipf exponent of the topics."""

    latent_exponent: Bound = (0.0, 1.5)
    """Bounds of the Zipf exponent of the sentence latents."""

    frame_exponent: Bound = (0.0, 1.5)
    """Bounds of the Zipf exponent of the frames."""

    frame_follow: Bound = (0.0, 0.9)
    """Of the probability that a frame is followed by its successor."""

    latent_follow: Bound = (0.0, 0.9)
    """Of the probability that a latent is followed by the next one."""

    def __post_init__(self) -> None:
        for name in NAMES:
            low, high = getattr(self, name)
            most = 1.0 if name in _PROBABILITIES else np.inf
            if not 0 <= low <= high <= most or not np.isfinite(high):
                range_of = "[0, 1]" if name in _PROBABILITIES else "0 or above"
                raise ValueError(
                    f"{name} has the bounds {(low, high)}: give two numbers, {range_of}, the "
                    "smaller one first."
                )

    @property
    def low_P(self) -> Float[np.ndarray, " parameters"]:
        """(P,) the smallest values."""
        return np.array([getattr(self, name)[0] for name in NAMES])

    @property
    def width_P(self) -> Float[np.ndarray, " parameters"]:
        """(P,) how far the largest values are from the smallest, 0 or more."""
        return np.array([getattr(self, name)[1] for name in NAMES]) - self.low_P

    def at(self, place_P: Float[np.ndarray, " parameters"]) -> LanguageParameters:
        """The parameters at a place.

        Raises ValueError for a place outside the unit cube.
        """
        if not ((place_P >= 0) & (place_P <= 1)).all():
            raise ValueError(f"a place lies in the unit cube, and {place_P.tolist()} does not.")
        values = self.low_P + self.width_P * place_P
        return LanguageParameters(**dict(zip(NAMES, values.tolist(), strict=True)))

    def place(self, parameters: LanguageParameters) -> Float[np.ndarray, " parameters"]:
        """(P,) the place of parameters; 0 where a parameter has one value alone.

        Raises ValueError for parameters outside the bounds.
        """
        values = np.array([getattr(parameters, name) for name in NAMES])
        ways = np.divide(
            values - self.low_P, self.width_P, out=np.zeros(len(NAMES)), where=self.width_P > 0
        )
        outside = (ways < 0) | (ways > 1) | ((self.width_P == 0) & (values != self.low_P))
        if outside.any():
            name = NAMES[int(outside.argmax())]
            raise ValueError(
                f"{name}={getattr(parameters, name)} lies outside its bounds "
                f"{getattr(self, name)}: widen them."
            )
        return ways

    def drawn(self, *key: int) -> Float[np.ndarray, " parameters"]:
        """(P,) a place drawn uniformly, a pure function of the numbers of `key`."""
        return np.random.default_rng(key).random(len(NAMES))
