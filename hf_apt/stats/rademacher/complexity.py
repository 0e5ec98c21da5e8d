"""How well linear functions of given features can follow random labels.

The empirical Rademacher complexity of the class {h -> <v, h> : |v| <= R} on the features h_1 to h_n
is E max_v 1/n sum_i s_i <v, h_i> = R/n E |sum_i s_i h_i|, the signs s_i being -1 or 1 with equal
probability (Bartlett and Mendelson 2002, "Rademacher and Gaussian Complexities"). By Jensen's and
Khintchine's inequalities, the latter with Szarek's constant, it lies between 1/sqrt(2) and 1 times
R/n sqrt(sum_i |h_i|^2): what the lengths say, and a factor for how alike the features are.
"""
# N features, E their width, B draws of signs.

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

MOST_ENUMERATED = 12
"""Features of which every choice of signs is gone through, unless a number of draws is given."""

NUM_DRAWS = 1000
"""Draws of signs for more features."""

_AT_ONCE = 1 << 20
"""Signs that are drawn at once."""


@dataclass(frozen=True)
class RademacherComplexity:
    """The Rademacher complexity of linear functions of some features, and what bounds it."""

    value: float
    """R/n times the mean length of the features' sum with random signs."""

    standard_error: float
    """Of `value`, over the draws of signs; 0 where all signs were gone through."""

    lower: float
    """1/sqrt(2) times `upper`."""

    upper: float
    """R/n times the root of the sum of squared lengths: R times the root mean square length by
    the root of n."""

    norm_share: float
    """`value` by `upper`, what is left beside the lengths: from 0.707, 1 for orthogonal features,
    near 0.8 for many that are alike; NaN where all features are 0."""

    num_features: int
    """Number of features n."""

    num_draws: int
    """Choices of signs that were looked at; by symmetry the first sign is always 1."""

    is_exact: bool
    """Whether these are all choices."""

    @property
    def scaled(self) -> float:
        """`value` times the root of n, which does not shrink with the number of features alone."""
        return self.value * math.sqrt(self.num_features)


def rademacher_complexity(
    features: Float[np.ndarray, "n width"],
    radius: float = 1.0,
    num_draws: int | None = None,
    seed: int = 0,
) -> RademacherComplexity:
    """The empirical Rademacher complexity of linear functions of `features`, of length `radius`.

    A value of few features is no estimate of that of many: it falls like 1/sqrt(n). Compare values
    of the same number, or `scaled` ones.

    Args:
        features: a row for each text or position, finite numbers.
        radius: largest length of the weights of a linear function, above 0.
        num_draws: random choices of signs to average over, at least 2; None for all of them where
            there are at most 12 features, else for 1,000.
        seed: seed of the draws.

    Returns:
        Value, standard error, and both bounds; all in the unit of the features.

    Raises:
        ValueError: for what is no table of finite numbers, and numbers out of range.
    """
    features_NE = np.asarray(features)
    if features_NE.ndim != 2 or not features_NE.size or features_NE.dtype.kind not in "iuf":
        raise ValueError(
            f"features of shape {features_NE.shape} and type {features_NE.dtype} are no rows of "
            "numbers: give a row for each text or position."
        )
    features_NE = features_NE.astype(np.float64)
    if not np.isfinite(features_NE).all():
        raise ValueError(
            f"the features hold {features_NE[~np.isfinite(features_NE)][0]}: give numbers that "
            "are finite."
        )
    if not (math.isfinite(radius) and radius > 0):
        raise ValueError(f"the radius is {radius}: give a number above 0.")
    if num_draws is not None and num_draws < 2:
        raise ValueError(f"num_draws is {num_draws}: give 2 at least, or None.")
    num = len(features_NE)
    is_exact = num_draws is None and num <= MOST_ENUMERATED
    lengths_B = _lengths(features_NE, None if is_exact else num_draws or NUM_DRAWS, seed)
    scale = radius / num
    error = 0.0 if is_exact else scale * float(lengths_B.std(ddof=1)) / math.sqrt(len(lengths_B))
    value = scale * float(lengths_B.mean())
    upper = scale * math.sqrt(float(np.square(features_NE).sum()))
    return RademacherComplexity(
        value=value,
        standard_error=error,
        lower=upper / math.sqrt(2),
        upper=upper,
        norm_share=value / upper if upper else math.nan,
        num_features=num,
        num_draws=len(lengths_B),
        is_exact=is_exact,
    )


def _lengths(
    features_NE: Float[np.ndarray, "n width"], num_draws: int | None, seed: int
) -> Float[np.ndarray, " draws"]:
    """The length of the features' sum for each choice of signs; for all of them if None."""
    num = len(features_NE)
    if num_draws is None:
        numbers_B1 = np.arange(1 << (num - 1))[:, None]
        signs_BN = 1.0 - 2.0 * (numbers_B1 >> np.arange(num) & 1)
        return np.linalg.norm(signs_BN @ features_NE, axis=1)
    generator = np.random.default_rng(seed)
    step = max(_AT_ONCE // num, 1)
    parts = []
    for start in range(0, num_draws, step):
        signs_BN = random_signs(generator, min(step, num_draws - start), num)
        parts.append(np.linalg.norm(signs_BN @ features_NE, axis=1))
    return np.concatenate(parts)


def random_signs(
    generator: np.random.Generator, num_draws: int, num: int
) -> Float[np.ndarray, "draws n"]:
    """Independent signs, -1 or 1 with equal probability, float64."""
    return 1.0 - 2.0 * generator.integers(0, 2, (num_draws, num))
