"""Is it normal? What guessing and published models reach, beside a measurement in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from torch import Tensor

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.decoded import DecodedTotal
from hf_apt.records.references.reference_models import is_like, nearest_models
from hf_apt.records.references.sentences import normal_sentence
from hf_apt.stats.apt import masked_accuracy
from hf_apt.stats.floors.floors import PlainFloor, floors_of, plain_floors


@dataclass
class AskedShare:
    """At how many of the tokens that could be asked something was asked."""

    num_asked: int = 0
    num_askable: int = 0

    def merge(self, other: Self) -> Self:
        """These counts and those of `other`, which is of other batches."""
        return type(self)(self.num_asked + other.num_asked, self.num_askable + other.num_askable)

    @property
    def value(self) -> float | None:
        """The share, in (0, 1]; None where nothing was asked."""
        return self.num_asked / self.num_askable if self.num_asked else None


class AskedShareReader:
    """A reader of a pass (`hf_apt.depths.depth_pass.Reader`) that looks at what is shown alone."""

    def __init__(self, special_ids: Sequence[int]):
        self.total = AskedShare()
        self._special_ids = special_ids

    def update(self, batch: AskedBatch, hidden_DNH: Tensor) -> None:
        """Add a batch: a token can be asked if it is neither padding nor special."""
        if "input_ids" not in batch.inputs:  # the trunk takes something else
            return
        ids_BT = batch.inputs["input_ids"].cpu().numpy()
        asked_BT = batch.asked_BT.cpu().numpy()
        askable_BT = ~np.isin(ids_BT, self._special_ids)
        if (present_BT := batch.inputs.get("attention_mask")) is not None:
            if present_BT.shape == ids_BT.shape:
                askable_BT &= present_BT.cpu().numpy() != 0
        num_asked = int(asked_BT.sum())
        num_askable = int((askable_BT | asked_BT).sum())
        self.total = self.total.merge(AskedShare(num_asked, num_askable))


def ruler_entry(total: DecodedTotal, asked_share: float | None) -> dict[str, Any]:
    """For JSON: the vocabulary, the masking rate, the nearest models and a sentence on them.

    `vocab_size`; `masking_rate`, the share of the tokens that was asked, null where nothing was
    masked; `models`, those nearest in both; and `sentence`, whether the accuracy at the last depth
    is normal, null where answers are missing there or nothing was asked.
    """
    counts = total.readout.counts
    size = counts.vocab_size
    models = [] if asked_share is None else nearest_models(size, asked_share)
    entry = {"vocab_size": size, "masking_rate": asked_share, "models": models}
    floors = floors_entry(total)
    if not floors or total.unanswered_D[-1]:
        return entry | {"sentence": None}
    like = [row for row in models if asked_share and is_like(row, size, asked_share)]
    sentence = normal_sentence(
        masked_accuracy(counts.hits()[-1], counts.support()).value,
        size,
        {floor["name"]: floor["accuracy"]["pooled"] or 0.0 for floor in floors},
        None if asked_share is None else like,
    )
    return entry | {"sentence": sentence}


def floors_entry(total: DecodedTotal) -> list[PlainFloor]:
    """For JSON: the floors of the positions asked; none of no position."""
    counts = total.readout.counts
    if not counts.support().any():
        return []
    return plain_floors(floors_of(counts, replaced_shows_all=False))
