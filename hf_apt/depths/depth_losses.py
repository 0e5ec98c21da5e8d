"""Cross-entropy at every depth over held-out tokens, from the read that also counts answers."""
# N asked positions, D depths, H hidden width.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from hf_apt.data.measurement_batches import AskedBatch, MaskedBatches, MeasureConfig
from hf_apt.data.tokens import Tokens
from hf_apt.depths.depth_pass import summed
from hf_apt.depths.measurement import asked_batches, require_fit
from hf_apt.depths.sweep import VocabularySweep
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.counts import DepthCounts, merged_counts
from hf_apt.stats.sequence_losses import SequenceLosses, merged_losses


class SweepingDecoder(Protocol):
    """`OwnHead`, `DepthHeads`, or anything that answers like them."""

    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        """The sweep over the vocabulary at each depth."""
        ...


@dataclass(frozen=True)
class DepthLosses:
    """How a decoder did at every depth of a trunk."""

    cross_entropy_D: np.ndarray
    """Mean of -log p(true token) over the asked positions, in nats, >= 0; float64."""

    standard_error_D: np.ndarray
    """Its standard error over sequences, in nats; NaN below two of them."""

    num_positions: int
    """Asked positions that it is the mean of."""

    counts: DepthCounts
    """The answers, counted as `measure` counts them."""


def depth_cross_entropy(
    trunk: Trunk,
    tokens: Tokens,
    decoders: Mapping[str, SweepingDecoder],
    config: MeasureConfig,
    *,
    label: str = "Measuring",
) -> dict[str, DepthLosses]:
    """The cross-entropy of every decoder at every depth, from one pass of `trunk` over `tokens`.

    Positions, masks and processes are those of `measure` with the same `config`; at the last depth
    the own head's is the model's loss there. Realisations of a sequence count as one sequence in
    the standard error. All processes return the same total.

    Raises ValueError if the model has fewer token ids or positions than the tokens need.
    """
    require_fit(trunk.model, tokens)
    vocab_size = trunk.model.config.vocab_size
    num_sequences = MaskedBatches(tokens, config).num_sequences
    counts = {name: DepthCounts.empty(trunk.num_depths, vocab_size) for name in decoders}
    losses = {name: SequenceLosses.empty(trunk.num_depths, num_sequences) for name in decoders}
    for indices_B, batch in asked_batches(tokens, config, label=label):
        sequences_N = indices_B[batch.asked_BT.numpy().nonzero()[0]]
        for name, swept in _swept(trunk, batch, decoders).items():
            predictions_DN = torch.stack([sweep.ids_N for sweep in swept]).cpu().numpy()
            losses_DN = torch.stack([sweep.cross_entropy_N for sweep in swept]).cpu().numpy()
            counts[name].update(batch.references_N, predictions_DN, batch.treatments_N)
            losses[name].update(losses_DN, sequences_N)
    counts, losses = summed(counts, merged_counts), summed(losses, merged_losses)
    return {
        name: DepthLosses(
            found.cross_entropy(), found.standard_error(), found.num_positions, counts[name]
        )
        for name, found in losses.items()
    }


def _swept(
    trunk: Trunk, batch: AskedBatch, decoders: Mapping[str, SweepingDecoder]
) -> dict[str, list[VocabularySweep]]:
    device = trunk.model.device
    inputs = {name: values.to(device) for name, values in batch.inputs.items()}
    hidden_DNH = trunk.at(inputs, batch.asked_BT)
    targets_N = torch.from_numpy(batch.references_N).to(device)
    return {name: decoder.sweep(hidden_DNH, targets_N) for name, decoder in decoders.items()}
