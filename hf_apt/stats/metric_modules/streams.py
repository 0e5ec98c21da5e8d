"""What a metric is fed, batch by batch, kept as counts or columns until its figures are read."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from jaxtyping import Float, Integer

from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.counts import TREATMENTS, DepthCounts, PairCounts
from hf_apt.stats.metric_modules.array_inputs import (
    refuse_other_shape,
    shares,
    whole_numbers,
)
from hf_apt.stats.metric_modules.asked_blocks import ANY_ID, AskedBlock, AskedBlocks

_USUAL_IDS = 46_340
"""As long as ids are below this, pairs are held as int32, which are counted in half the time."""


class PairStream:
    """How often each reference was answered by each prediction, over a vocabulary not yet known.

    References of -100 are not asked for, and not counted. 12 bytes for each distinct pair, 16 where
    an id is 46,340 or more.
    """

    def __init__(self) -> None:
        self._counts = DepthCounts.empty(1, _USUAL_IDS)
        self._largest = -1
        self._has_treatment: bool | None = None

    def __len__(self) -> int:
        return sum(pairs.total for pairs in self._counts.pairs[0])

    @property
    def treatments(self) -> tuple[str, ...]:
        """The treatments that are told apart: all three, or none."""
        return TREATMENTS if self._has_treatment else ()

    def update(self, predictions: Any, references: Any, treatment: Any = None) -> Self:
        """This stream with one more batch, of any shape; a batch that is refused leaves no trace.

        `treatment` is what masking did to each position: `masked`, `replaced`, `unchanged`, or
        their codes 0, 1, 2. Raises ValueError for what cannot be token ids or treatments.
        """
        for asked in self._checked(predictions, references, treatment):
            self._add(asked, asked.predicted_N)
        return self

    def _checked(self, predictions: Any, references: Any, treatment: Any) -> AskedBlocks:
        """The blocks of a batch that fits what was added before."""
        blocks = AskedBlocks(predictions, references, treatment)
        self._has_treatment = agreed("treatment", self._has_treatment, treatment is not None)
        self._reach(blocks.largest)
        return blocks

    def _add(self, asked: AskedBlock, predicted_N: Integer[np.ndarray, " n"]) -> None:
        """Count a block with these answers."""
        if asked.codes_N is None:
            self._counts.pairs[0][0].update(asked.true_N, predicted_N)
        else:
            self._counts.update(asked.true_N, predicted_N[None], asked.codes_N)

    def merge(self, other: PairStream) -> Self:
        """This stream with all that `other` counted, which is left as it was."""
        if other._has_treatment is not None:
            self._has_treatment = agreed("treatment", self._has_treatment, other._has_treatment)
        self._reach(other._largest)
        for mine, theirs in zip(self._counts.pairs[0], other._counts.pairs[0], strict=True):
            mine.merge(theirs.resized(mine.vocab_size))
        return self

    def _reach(self, largest: int) -> None:
        """Let ids up to `largest` be counted."""
        self._largest = max(self._largest, largest)
        if self._largest >= self._counts.vocab_size:
            self._counts = self._counts.resized(ANY_ID)

    def pairs(self, treatment: str | None = None, *, vocab_size: int | None = None) -> PairCounts:
        """The counts of one treatment, or of all, over a vocabulary of `vocab_size` tokens.

        If None, the smallest vocabulary that holds every id: the largest + 1. Raises ValueError for
        an id outside the vocabulary, and where nothing was asked.
        """
        if self._largest < 0:
            raise ValueError(
                "nothing was asked yet: give predictions, and references that are not all -100."
            )
        if vocab_size is None:
            vocab_size = self._largest + 1
        require_whole_number("vocab_size", vocab_size)
        if vocab_size > ANY_ID:
            raise ValueError(
                f"vocab_size is {vocab_size}, and {ANY_ID} is the most that is counted: give the "
                "number of tokens."
            )
        if self._largest >= vocab_size:
            raise ValueError(
                f"token id {self._largest} is outside a vocabulary of {vocab_size}: give a "
                f"vocab_size of at least {self._largest + 1}, or leave it out."
            )
        return self._counts.at(0, treatment).resized(vocab_size)


class ConfidenceStream:
    """Label confidence and mean APT of each input, whether its label was right, and its class.

    Inputs whose mean APT is NaN (none of their tokens was ever asked for) are left out. 32 bytes
    an input.
    """

    def __init__(self) -> None:
        self._batches: list[np.ndarray] = []
        self._has_correct: bool | None = None
        self._has_labels: bool | None = None

    def __len__(self) -> int:
        return sum(batch.shape[1] for batch in self._batches)

    def update(
        self, predictions: Any, references: Any, correct: Any = None, labels: Any = None
    ) -> Self:
        """This stream with one more batch; a batch that is refused leaves no trace.

        `predictions` are confidences, `references` mean APTs, `correct` is 1 where the label was
        right and 0 where not, `labels` are the true classes as whole numbers. Raises ValueError for
        what is outside [0, 1], and for labels that are no whole numbers.
        """
        confidence_I = shares("predictions", predictions, example="largest softmax probabilities")
        mean_apt_I = shares("references", references, example="the mean APT of inputs", nan=True)
        refuse_other_shape("predictions", confidence_I, "references", mean_apt_I)
        columns = [confidence_I, mean_apt_I]
        if correct is not None:
            columns.append(shares("correct", correct, example="1 for a right label, 0 for a wrong"))
            refuse_other_shape("correct", columns[-1], "references", mean_apt_I)
        if labels is not None:
            classes_I = whole_numbers("labels", labels, example="the true classes").ravel()
            refuse_other_shape("labels", classes_I, "references", mean_apt_I)
            columns.append(classes_I.astype(np.float64))
        has_correct = agreed("correct", self._has_correct, correct is not None)
        self._has_labels = agreed("labels", self._has_labels, labels is not None)
        self._has_correct = has_correct
        self._batches.append(np.stack(columns)[:, ~np.isnan(mean_apt_I)])
        return self

    def merge(self, other: ConfidenceStream) -> Self:
        """This stream with all the inputs of `other`, which is left as it was."""
        if other._has_correct is not None and other._has_labels is not None:
            has_correct = agreed("correct", self._has_correct, other._has_correct)
            self._has_labels = agreed("labels", self._has_labels, other._has_labels)
            self._has_correct = has_correct
        self._batches += other._batches
        return self

    def columns(self) -> dict[str, Float[np.ndarray, " inputs"]]:
        """`confidence`, `mean_apt` and, where given, `correct` and `labels` of each input.

        Sorted, whatever the order added. Raises ValueError where there is no input.
        """
        if not len(self):
            raise ValueError("there is no input yet: give confidences, and mean APTs not all NaN.")
        columns = np.concatenate(self._batches, axis=1)
        names = ["confidence", "mean_apt"]
        names += ["correct"] * bool(self._has_correct) + ["labels"] * bool(self._has_labels)
        return dict(zip(names, columns[:, np.lexsort(columns)], strict=True))


def agreed(name: str, before: bool | None, now: bool) -> bool:
    """Whether batches come with the column `name`; ValueError where some do and some do not."""
    if before not in (None, now):
        raise ValueError(
            f"some batches came with {name} and some without: give it with all or with none."
        )
    return now
