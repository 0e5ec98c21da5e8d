"""States and logits, kept as the sums that an anchor vector is fitted by."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from hf_apt.stats.anchors.anchor_fit import AnchorFit, fitted
from hf_apt.stats.anchors.anchor_sums import AnchorSums
from hf_apt.stats.anchors.bulk import AnchorBulk
from hf_apt.stats.anchors.log_partition import log_bulk_partition
from hf_apt.stats.measures.text_groups import NUM_GROUPS
from hf_apt.stats.metric_modules.array_inputs import array_of, number_rows
from hf_apt.stats.metric_modules.streams import agreed

_STRETCH = 16
"""Neighbouring states that are held out together where documents are not known."""

_ROWS = "a row for each position"


class AnchorStream:
    """The products of states and log-partitions, for each of 20 groups of documents.

    Memory: 160 bytes for each pair of units of a state, whatever the number of states.
    """

    def __init__(self) -> None:
        self._sums: AnchorSums | None = None
        self._num = 0
        self._group_of: dict[Any, int] = {}
        self._has_documents: bool | None = None

    def __len__(self) -> int:
        return self._num

    def update(self, predictions: Any, references: Any, documents: Any = None) -> Self:
        """This stream with one more batch; a batch that is refused leaves no trace.

        `predictions` are states that enter the output layer, a row a position, `references` the
        logits of the same positions, and `documents` labels of the documents that they are in.
        Raises ValueError for what is none of these.
        """
        states_NE = number_rows("predictions", predictions, example=_ROWS)
        logits_NV = number_rows("references", references, example=_ROWS)
        if len(states_NE) != len(logits_NV):
            raise ValueError(
                f"{len(states_NE)} rows of predictions came with {len(logits_NV)} of references: "
                "give a state and its logits for each position."
            )
        if self._sums is not None and self._sums.width != states_NE.shape[1]:
            raise ValueError(
                f"predictions are {states_NE.shape[1]} wide, and those before "
                f"{self._sums.width}: give states of one model."
            )
        has_documents = agreed("documents", self._has_documents, documents is not None)
        groups_N = self._groups(len(states_NE), documents)
        if len(states_NE):
            sums = self._sums or AnchorSums(states_NE.shape[1])
            log_bulk_N = log_bulk_partition(logits_NV, AnchorBulk())
            sums.update(states_NE, logits_NV.mean(axis=1), log_bulk_N, groups_N)
            self._sums = sums
        self._has_documents = has_documents
        self._num += len(states_NE)
        return self

    def merge(self, other: AnchorStream) -> Self:
        """This stream with all the states of `other`, which is left as it was."""
        if None not in (self._has_documents, other._has_documents):
            agreed("documents", self._has_documents, bool(other._has_documents))
        for label, group in other._group_of.items():
            if self._group_of.setdefault(label, group) != group:
                raise ValueError(
                    f"the document {label!r} is in both streams: give all of a document to one."
                )
        if other._sums is not None:
            self._sums = self._sums or AnchorSums(other._sums.width)
            self._sums.merge(other._sums)
        self._num += other._num
        if other._has_documents is not None:
            self._has_documents = other._has_documents
        return self

    def fit(self) -> AnchorFit:
        """The fit of all states. Raises ValueError where there are too few."""
        if self._sums is None:
            raise ValueError("there is no state yet: give predictions and references.")
        return fitted(self._sums)

    def _groups(self, num: int, documents: Any) -> np.ndarray:
        if documents is None:
            return np.arange(self._num, self._num + num) // _STRETCH % NUM_GROUPS
        labels = array_of("documents", documents).ravel().tolist()
        if len(labels) != num:
            raise ValueError(
                f"{len(labels)} documents came with {num} states: give one for each position."
            )
        for label in labels:
            self._group_of.setdefault(label, len(self._group_of) % NUM_GROUPS)
        return np.array([self._group_of[label] for label in labels], np.int64)
