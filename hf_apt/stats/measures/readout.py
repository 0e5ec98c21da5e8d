"""What a measurement says of one decoder: the counts of its answers, and every measure of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import Estimate
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.measure import Measure


@dataclass(frozen=True)
class Readout:
    """Counts and measures at every depth; of several processes they are merged."""

    counts: DepthCounts
    """How often each token was answered for each."""

    measures: dict[str, Measure]
    """The measures by name; none where only counts were asked for."""

    @classmethod
    def empty(cls, num_depths: int, vocab_size: int, measures: Sequence[type[Measure]]) -> Self:
        """A readout of nothing yet."""
        return cls(
            DepthCounts.empty(num_depths, vocab_size),
            {measure.name: measure.empty(num_depths, vocab_size) for measure in measures},
        )

    def update(self, answers: Answers) -> None:
        """Take in the answers to one batch.

        Raises ValueError for an id outside the vocabulary, before anything is taken in.
        """
        self.counts.update(answers.references_N, answers.predictions_DN, answers.treatments_N)
        for measure in self.measures.values():
            measure.update(answers)

    def merge(self, other: Self) -> Self:
        """This readout and `other`, which is of other batches of the same measurement."""
        self.counts.merge(other.counts)
        for name, measure in self.measures.items():
            measure.merge(other.measures[name])
        return self

    def figures(self) -> list[dict[str, Estimate]]:
        """For each depth, the figures of all measures by the keys of their columns."""
        depths: list[dict[str, Estimate]] = [{} for _ in range(self.counts.num_depths)]
        for measure in self.measures.values():
            for depth, figures in zip(depths, measure.figures(), strict=True):
                depth |= figures
        return depths
