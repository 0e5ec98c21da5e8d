"""The reader of a decoder's answers: decoded once for the counts and for every measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.sweep import VocabularySweep
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.counts import DepthCounts, refuse_outside
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.measure import Measure
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.measures.registry import MEASURES

Decoder = Callable[[Tensor], Tensor]
"""From hidden states (D, N, H) to predicted token ids (D, N)."""


class SweepingDecoder(Protocol):
    """`OwnHead`, `DepthHeads`, or anything that answers like them."""

    def __call__(self, hidden_DNH: Tensor) -> Tensor:
        """The predicted token ids (D, N)."""
        ...

    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        """The sweep over the vocabulary at each depth."""
        ...


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
        if not hasattr(decoder, "sweep"):
            measures = ()
        self.total = Readout.empty(trunk.num_depths, trunk.model.config.vocab_size, measures)

    def update(self, batch: AskedBatch, hidden_DNH: Tensor) -> Callable[[], None]:
        """Decode a batch; to add it up may wait until the device is at the next batch.

        Raises ValueError for a reference outside the vocabulary.
        """
        if not self.total.measures:
            ids_DN = self.decoder(hidden_DNH)
            counts = self.total.counts
            return lambda: _counted(counts, batch, ids_DN)
        # Before a graphics card sees it, which would not survive.
        refuse_outside("reference id", batch.references_N, self.total.counts.vocab_size)
        targets_N = torch.from_numpy(batch.references_N).to(hidden_DNH.device)
        swept = self.decoder.sweep(hidden_DNH, targets_N)  # pyright: ignore
        ids_DN = torch.stack([sweep.ids_N for sweep in swept])
        losses_DN = torch.stack([sweep.cross_entropy_N for sweep in swept])

        def add() -> None:
            self.total.update(
                Answers(
                    batch.references_N,
                    batch.treatments_N,
                    batch.sequences_N,
                    ids_DN.cpu().numpy(),
                    losses_DN.cpu().numpy(),
                )
            )

        return add


def _counted(counts: DepthCounts, batch: AskedBatch, ids_DN: Tensor) -> None:
    counts.update(batch.references_N, ids_DN.cpu().numpy(), batch.treatments_N)
