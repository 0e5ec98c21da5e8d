"""Products of the largest principal components of states: what a quadratic fit has beside them."""
# J: principal components.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class PrincipalProducts:
    """The products of all pairs of a few principal components, squares among them."""

    mean_E: Float[np.ndarray, " width"]
    """The mean state."""

    directions_EJ: Float[np.ndarray, "width components"]
    """Directions of largest variance, scaled so that components have unit variance."""

    @property
    def num(self) -> int:
        """Number of products, J (J + 1) / 2."""
        num = self.directions_EJ.shape[1]
        return num * (num + 1) // 2

    def of(self, states_NE: Float[np.ndarray, "n width"]) -> Float[np.ndarray, "n products"]:
        """The products of each state, each pair of components once."""
        parts_NJ = (states_NE - self.mean_E) @ self.directions_EJ
        first, second = np.triu_indices(parts_NJ.shape[1])
        return parts_NJ[:, first] * parts_NJ[:, second]


def principal_products(
    mean_E: Float[np.ndarray, " width"],
    covariance_EE: Float[np.ndarray, "width width"],
    num_components: int,
) -> PrincipalProducts:
    """The products of the `num_components` components of largest variance, or fewer.

    Components whose variance is 0, but for rounding, are left out.
    """
    variances_J, directions_EJ = np.linalg.eigh(covariance_EE)
    largest = variances_J[-1] if len(variances_J) else 0.0
    kept = [
        index
        for index in range(len(variances_J) - 1, -1, -1)
        if variances_J[index] > 1e-9 * largest and largest > 0
    ][:num_components]
    return PrincipalProducts(mean_E, directions_EJ[:, kept] / np.sqrt(variances_J[kept]))
