"""What a trunk in bfloat16 answers otherwise than in float32, counted on some of the batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Int

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.decoded import Decoder, SweepingDecoder
from hf_apt.depths.trunk import Trunk

_EVERY = 16
"""Each process reads its first batch in float32 as well, and every so many-th after it."""


@dataclass
class ChangedAnswers:
    """Answers of one decoder by two trunks, at the same positions."""

    num_positions: int
    """Positions at which both were asked."""

    changed_D: Int[np.ndarray, " depth"]
    """Positions whose answers differ, at each depth."""

    hits_D: Int[np.ndarray, " depth"]
    """Right answers in bfloat16, at each depth."""

    exact_hits_D: Int[np.ndarray, " depth"]
    """Right answers in float32, at each depth."""

    def as_json(self) -> dict[str, Any]:
        """The counts, by their names without the suffix."""
        return {
            "num_positions": self.num_positions,
            "changed": self.changed_D.tolist(),
            "hits": self.hits_D.tolist(),
            "hits_in_float32": self.exact_hits_D.tolist(),
        }


@dataclass
class ChangedTotals:
    """The changed answers of every decoder, by its name."""

    of: dict[str, ChangedAnswers]

    def as_json(self) -> dict[str, Any]:
        """The counts of every decoder."""
        return {name: changed.as_json() for name, changed in self.of.items()}

    def merge(self, other: Self) -> Self:
        """This total and `other`, which is of other batches."""
        for name, theirs in other.of.items():
            ours = self.of[name]
            ours.num_positions += theirs.num_positions
            ours.changed_D += theirs.changed_D
            ours.hits_D += theirs.hits_D
            ours.exact_hits_D += theirs.exact_hits_D
        return self


class AnswersChanged:
    """A reader of states in bfloat16 that reads some of the batches in float32, too.

    Args:
        trunk: the trunk that is read in bfloat16.
        decoders: what answers, by its name.
    """

    reads_bare = True

    def __init__(self, trunk: Trunk, decoders: Mapping[str, Decoder | SweepingDecoder]):
        self.trunk = trunk
        self.decoders = dict(decoders)
        zeros = np.zeros(trunk.num_depths, np.int64)
        self.total = ChangedTotals(
            {
                name: ChangedAnswers(0, zeros.copy(), zeros.copy(), zeros.copy())
                for name in self.decoders
            }
        )
        self._num_batches = 0

    def update(self, batch: AskedBatch, hidden_DNH: torch.Tensor) -> None:
        """Compare the answers to a batch, if it is one of those that are compared."""
        self._num_batches += 1
        if (self._num_batches - 1) % _EVERY:
            return
        device = self.trunk.model.device
        inputs = {name: values.to(device) for name, values in batch.inputs.items()}
        bare = hidden_DNH, self.trunk.at(inputs, batch.asked_BT, bare=True)
        normalised = tuple(self.trunk.normalised(states_DNH) for states_DNH in bare)
        for name, decoder in self.decoders.items():
            given = bare if getattr(decoder, "reads_bare", False) else normalised
            ids_DN, exact_ids_DN = (
                decoder(states_DNH).cpu().numpy()  # pyright: ignore[reportCallIssue]
                for states_DNH in given
            )
            changed = self.total.of[name]
            changed.num_positions += len(batch.references_N)
            changed.changed_D += (ids_DN != exact_ids_DN).sum(axis=1)
            changed.hits_D += (ids_DN == batch.references_N).sum(axis=1)
            changed.exact_hits_D += (exact_ids_DN == batch.references_N).sum(axis=1)
