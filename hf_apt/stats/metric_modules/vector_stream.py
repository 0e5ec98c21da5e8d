"""Vectors of texts and their labels, kept as they come."""
# N texts, E numbers of a vector.

from __future__ import annotations

from typing import Any, Self

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.metric_modules.array_inputs import number_rows, whole_numbers


class VectorStream:
    """Vectors with labels, in the order in which they came. Memory: all of them."""

    def __init__(self) -> None:
        self._vectors: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []

    def __len__(self) -> int:
        return sum(map(len, self._labels))

    def update(self, predictions: Any, references: Any) -> Self:
        """This stream with one more batch; a batch that is refused leaves no trace.

        `predictions` are vectors, a row a text, or one of a single text, `references` the labels.
        Raises ValueError for what is none of these.
        """
        vectors_NE = number_rows(
            *("predictions", predictions),
            what="vectors",
            example="a row of numbers for each text",
            one_row=True,
        )
        labels_N = _labels(references)
        if len(vectors_NE) != len(labels_N):
            raise ValueError(
                f"{len(vectors_NE)} rows of predictions came with {len(labels_N)} references: give "
                "a vector and a label for each text."
            )
        if self._vectors and self._vectors[0].shape[1] != vectors_NE.shape[1]:
            raise ValueError(
                f"predictions are {vectors_NE.shape[1]} wide, and those before "
                f"{self._vectors[0].shape[1]}: give vectors of one model."
            )
        self._vectors.append(vectors_NE)
        self._labels.append(labels_N)
        return self

    def merge(self, other: VectorStream) -> Self:
        """This stream followed by all texts of `other`, which is left as it was."""
        for vectors_NE, labels_N in zip(other._vectors, other._labels, strict=True):
            self.update(vectors_NE, labels_N)
        return self

    def columns(self) -> tuple[Float[np.ndarray, "n e"], Int[np.ndarray, " n"]]:
        """All vectors and labels. Raises ValueError where there is none."""
        if not len(self):
            raise ValueError("there is no vector yet: give predictions and references.")
        return np.concatenate(self._vectors), np.concatenate(self._labels)


def _labels(values: Any) -> Int[np.ndarray, " n"]:
    labels_N = np.atleast_1d(whole_numbers("references", values, example="the labels' numbers"))
    if labels_N.ndim != 1 or labels_N.min(initial=0) < 0:
        raise ValueError(
            f"references of shape {labels_N.shape} from {labels_N.min(initial=0)}: give one label "
            "from 0 on for each text."
        )
    return labels_N.astype(np.int64)
