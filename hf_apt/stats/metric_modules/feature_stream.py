"""Features, batch by batch, kept as they are."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from jaxtyping import Float

from hf_apt.stats.metric_modules.array_inputs import number_rows


class FeatureStream:
    """The features of some texts or positions, in order: 8 bytes a number."""

    def __init__(self) -> None:
        self._batches: list[np.ndarray] = []

    def __len__(self) -> int:
        return sum(map(len, self._batches))

    def update(self, predictions: Any, references: Any = None) -> Self:
        """This stream with one more batch of rows; a batch that is refused leaves no trace.

        A flat list of numbers is one row. Raises ValueError for what are no features, and for
        references, which there are none of.
        """
        if references is not None:
            raise ValueError("features are compared with no references: give predictions alone.")
        rows_NE = number_rows(
            "predictions", predictions, example="the features of each text", one_row=True
        )
        self._require_width(rows_NE.shape[1])
        self._batches.append(rows_NE)
        return self

    def merge(self, other: FeatureStream) -> Self:
        """This stream with all the features of `other`, which is left as it was."""
        for batch in other._batches:
            self._require_width(batch.shape[1])
        self._batches += other._batches
        return self

    def rows(self) -> Float[np.ndarray, "n width"]:
        """All features. Raises ValueError where there is none."""
        if not len(self):
            raise ValueError("there are no features yet: give predictions.")
        return np.concatenate(self._batches)

    def _require_width(self, width: int) -> None:
        if self._batches and self._batches[0].shape[1] != width:
            raise ValueError(
                f"predictions are {width} wide, and those before {self._batches[0].shape[1]}: give "
                "features of one model."
            )
