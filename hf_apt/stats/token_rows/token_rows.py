"""The two numbers by which the rows of a vocabulary are told apart."""
# V vocabulary.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class TokenRows:
    """Length of the input embedding and output bias of each token id.

    Raises ValueError unless they are finite, as many as one another, and no length is below 0.
    """

    norms_V: Float[np.ndarray, " vocab"]
    """Euclidean length of each input embedding."""

    biases_V: Float[np.ndarray, " vocab"] | None
    """What is added to each logit; None for a model that adds nothing."""

    def __post_init__(self):
        for name, values_V in (("norms", self.norms_V), ("biases", self.biases_V)):
            if values_V is None:
                continue
            if values_V.dtype.kind != "f" or values_V.shape != (self.norms_V.size,):
                raise ValueError(
                    f"{name} are {values_V.dtype} of shape {values_V.shape}, not one real number "
                    "for each token"
                )
            if not np.isfinite(values_V).all():
                raise ValueError(f"{name} hold a number that is not finite")
        if self.norms_V.min(initial=0) < 0:
            raise ValueError(f"norms hold {self.norms_V.min()}, which is less than 0")

    @property
    def vocab_size(self) -> int:
        """Number of token ids V."""
        return len(self.norms_V)

    def arrays(self) -> dict[str, np.ndarray]:
        """The content of a `.npz` file, from which `from_arrays` makes the rows again."""
        biases = {} if self.biases_V is None else {"biases": self.biases_V}
        return {"norms": self.norms_V} | biases

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """The rows that `arrays` gave. Raises ValueError for other arrays, and as `TokenRows`."""
        if not {"norms"} <= set(arrays) <= {"norms", "biases"}:
            raise ValueError(f"it holds {', '.join(arrays) or 'nothing'}, not norms and biases")
        return cls(arrays["norms"], arrays.get("biases"))
