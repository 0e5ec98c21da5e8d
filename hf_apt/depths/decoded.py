"""The reader of a decoder's answers: decoded once for the counts and for every measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.sweep import NO_ANSWER, VocabularySweep
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.counts import refuse_outside
from hf_apt.stats.estimates import Estimate
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.measure import Measure
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.measures.registry import MEASURES

NO_FIGURE = Estimate(float("nan"), float("nan"), 0)
"""The estimate of what is not known."""

Decoder = Callable[[Tensor], Tensor]
"""Function from hidden states (D, N, H) to predicted ids (D, N), -1 where there is no answer."""


class SweepingDecoder(Protocol):
    """`OwnHead`, `DepthHeads`, or anything that answers like them."""

    def __call__(self, hidden_DNH: Tensor) -> Tensor:
        """The predicted token ids (D, N)."""
        ...

    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        """The sweep over the vocabulary at each depth."""
        ...


@dataclass(frozen=True)
class DecodedTotal:
    """The readout of one decoder, and how often it had no answer."""

    readout: Readout
    """Counts and measures; no figures at a depth that lacks an answer, nor of what compares depths
    then."""

    unanswered_D: Int[np.ndarray, " depth"]
    """Positions at which no logit was the largest: one was NaN, or the largest was infinite."""

    def merge(self, other: Self) -> Self:
        """This total and `other`, which is of other batches of the same measurement."""
        self.readout.merge(other.readout)
        self.unanswered_D[:] += other.unanswered_D
        return self

    @property
    def answered_depths(self) -> list[int]:
        """The depths at which every position has an answer."""
        return np.flatnonzero(self.unanswered_D == 0).tolist()

    def figures(self) -> list[dict[str, Estimate]]:
        """The figures of `Readout.figures`, without those that missing answers would make wrong.

        NaN at a depth that lacks an answer; if there is such a depth, NaN at all depths for
        measures that compare depths.
        """
        depths = self.readout.figures()
        answered = self.answered_depths
        if len(answered) == len(depths):
            return depths
        own = {
            column.key
            for measure in self.readout.measures.values()
            if not measure.compares_depths
            for column in measure.columns
        }
        return [
            {
                key: figure if depth in answered and key in own else NO_FIGURE
                for key, figure in figures.items()
            }
            for depth, figures in enumerate(depths)
        ]

    def problem(self, name: str) -> str | None:
        """One sentence on what decoder `name` has not answered; None where it has answered all."""
        depths = np.flatnonzero(self.unanswered_D).tolist()
        if not depths:
            return None
        rows = ", ".join(f"{self.unanswered_D[depth]} at depth {depth}" for depth in depths)
        return (
            f"{name} has no answer for {rows} positions of "
            f"{self.readout.counts.support().sum()}, because the model's activations or logits are "
            "not finite: look for NaN weights, an overflow of float16 (take bfloat16 or float32) "
            "or a learning rate that is too high."
        )


class Decoded:
    """Counts and measures of what `decoder` answers at every depth.

    The vocabulary is read once for all measures. A decoder that only predicts, without a `sweep`,
    is counted and has no measures.
    """

    def __init__(
        self,
        trunk: Trunk,
        decoder: Decoder | SweepingDecoder,
        measures: Sequence[type[Measure]] = MEASURES,
    ):
        self.decoder = decoder
        self.reads_bare: bool = getattr(decoder, "reads_bare", False)
        """Whether `decoder` is to be given states that are not normalised (`Trunk.at`)."""
        if not hasattr(decoder, "sweep"):
            measures = ()
        readout = Readout.empty(trunk.num_depths, trunk.model.config.vocab_size, measures)
        self.total = DecodedTotal(readout, np.zeros(trunk.num_depths, np.int64))

    def update(self, batch: AskedBatch, hidden_DNH: Tensor) -> Callable[[], None]:
        """Decode a batch; to add it up may wait until the device is at the next batch.

        Raises ValueError for a reference outside the vocabulary.
        """
        readout = self.total.readout
        if not readout.measures:
            ids_DN = self.decoder(hidden_DNH)
            return lambda: self._count(batch, ids_DN)
        # Before a graphics card sees it, which would not survive.
        refuse_outside("reference id", batch.references_N, readout.counts.vocab_size)
        targets_N = torch.from_numpy(batch.references_N).to(hidden_DNH.device)
        swept = self.decoder.sweep(hidden_DNH, targets_N)  # pyright: ignore
        ids_DN = torch.stack([sweep.ids_N for sweep in swept])
        losses_DN = torch.stack([sweep.cross_entropy_N for sweep in swept])

        def add() -> None:
            readout.update(
                Answers(
                    batch.references_N,
                    batch.treatments_N,
                    batch.sequences_N,
                    self._counted_apart(ids_DN),
                    losses_DN.cpu().numpy(),
                )
            )

        return add

    def _count(self, batch: AskedBatch, ids_DN: Tensor) -> None:
        predictions_DN = self._counted_apart(ids_DN)
        self.total.readout.counts.update(batch.references_N, predictions_DN, batch.treatments_N)

    def _counted_apart(self, ids_DN: Tensor) -> np.ndarray:
        """The ids (D, N) on the processor; any id stands where there is no answer."""
        predictions_DN = ids_DN.cpu().numpy()
        if predictions_DN.size and predictions_DN.min() == NO_ANSWER:
            is_missing_DN = predictions_DN == NO_ANSWER
            self.total.unanswered_D[:] += is_missing_DN.sum(axis=1)
            predictions_DN = np.where(is_missing_DN, 0, predictions_DN)
        return predictions_DN
