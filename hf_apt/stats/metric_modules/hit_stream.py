"""Hits and support of a stream of answers, and of its documents where they are known."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from jaxtyping import Int

from hf_apt.stats.counts import TREATMENTS
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.metric_modules.array_inputs import array_of, refuse_other_shape, whole_numbers
from hf_apt.stats.metric_modules.asked_blocks import AskedBlock
from hf_apt.stats.metric_modules.streams import PairStream, agreed

_ANY_DOCUMENT = 2**53
"""Numbers of documents below this are counted."""


class HitStream(PairStream):
    """How often each reference was asked for and answered right: 32 bytes for each token.

    Its pairs have the hits and the support of a `PairStream`; its wrong answers mean nothing. Where
    the documents of the positions are given, 24 bytes more for each token in each stretch of them
    (`hf_apt.stats.measures.rarefied_apt.RarefiedApt`).
    """

    def __init__(self) -> None:
        super().__init__()
        self._by_stretch = {name: RarefiedApt.empty(1) for name in TREATMENTS}
        self._has_documents: bool | None = None
        self._documents: list[np.ndarray] = []

    def update(
        self, predictions: Any, references: Any, treatment: Any = None, documents: Any = None
    ) -> Self:
        """These counts with one more batch.

        `documents` is the number of the document that each position is in, counted from 0 on
        through all batches; neighbours in the text have neighbouring numbers.

        Raises ValueError for invalid numbers.
        """
        numbers = None
        if documents is not None:
            numbers = whole_numbers(
                "documents", documents, example="0 for each position of the first document"
            )
            refuse_other_shape(
                "documents", numbers, "references", array_of("references", references)
            )
            if numbers.size and not 0 <= numbers.min() <= numbers.max() < _ANY_DOCUMENT:
                raise ValueError(
                    f"documents hold numbers from {numbers.min()} to {numbers.max()}: count them "
                    "from 0."
                )
        has_documents = agreed("documents", self._has_documents, documents is not None)
        blocks = self._checked(predictions, references, treatment)
        self._has_documents = has_documents
        for asked in blocks:
            # For a wrong answer any other id will do: the one below, or 1 where 0 was asked for.
            is_wrong_N = asked.predicted_N != asked.true_N
            neighbours_N = np.subtract(asked.true_N, is_wrong_N, dtype=np.int64)
            self._add(asked, np.abs(neighbours_N, out=neighbours_N))
            if numbers is not None:
                self._add_documents(asked, asked.of(numbers).astype(np.int64))
        return self

    def _add_documents(self, asked: AskedBlock, numbers_N: Int[np.ndarray, " n"]) -> None:
        """Count the answers of a block by the stretches that their documents are in."""
        self._documents.append(np.unique(numbers_N))
        codes_N = asked.codes_N
        if codes_N is None:
            codes_N = np.zeros(len(numbers_N), np.uint8)
        for code, name in enumerate(TREATMENTS):
            here_N = codes_N == code
            answers = Answers(
                asked.true_N[here_N],
                codes_N[here_N],
                numbers_N[here_N],
                asked.predicted_N[None, here_N],
                np.zeros((1, np.count_nonzero(here_N))),
            )
            self._by_stretch[name].update(answers)

    def merge(self, other: PairStream) -> Self:
        """This stream with all that `other` counted, which is left as it was."""
        if not isinstance(other, HitStream):
            raise TypeError("hits alone can be added to pairs, and no pairs to hits.")
        has_documents = self._has_documents
        if other._has_documents is not None:
            has_documents = agreed("documents", has_documents, other._has_documents)
        super().merge(other)
        self._has_documents = has_documents
        self._documents += other._documents
        for name, counted in other._by_stretch.items():
            self._by_stretch[name].merge(counted)
        return self

    def rarefied_error(self, num_positions: int, treatment: str | None = None) -> float:
        """The standard error of mean APT expected of so many positions, of a treatment or of all.

        It is over groups of neighbouring documents; NaN where documents are not known or too few.
        Raises ValueError where less than half of the numbers up to the largest are documents.
        """
        if not self._has_documents:
            return float("nan")
        documents = np.unique(np.concatenate(self._documents))
        if len(documents) and 2 * len(documents) <= documents[-1]:
            raise ValueError(
                f"documents are {len(documents)} numbers up to {documents[-1]}: count them from 0 "
                "on, without gaps, through all batches."
            )
        counted = RarefiedApt.empty(1)
        for name in TREATMENTS if treatment is None else (treatment,):
            counted.merge(self._by_stretch[name])
        return float(counted.rarefied([num_positions])[1, 0, 0])
