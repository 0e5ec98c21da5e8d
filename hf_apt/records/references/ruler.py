"""The ruler of a measurement: what guessing reaches on its text, and which models are like it."""

from __future__ import annotations

from typing import TypedDict

from hf_apt.records.references.reference_models import ReferenceModel, nearest_models
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.floors.floors import PlainFloor, floors_of, plain_floors


class Ruler(TypedDict):
    """What `summary.json` says for comparison.

    `vocab_size`, the ids that can be asked for; `masking_rate`, null where nothing was masked;
    `floors` of the very positions that were asked (`hf_apt.stats.floors.floors`); `models`, those
    nearest in vocabulary and masking rate, none for a causal model.
    """

    vocab_size: int
    masking_rate: float | None
    floors: list[PlainFloor]
    models: list[ReferenceModel]


def ruler(counts: DepthCounts, *, vocab_size: int, masking_rate: float | None) -> Ruler:
    """The ruler of the positions that `counts` are of; without a rate nothing was masked.

    Raises ValueError if no token was asked for, or one outside of `vocab_size`.
    """
    return {
        "vocab_size": vocab_size,
        "masking_rate": masking_rate,
        "floors": plain_floors(floors_of(counts, vocab_size=vocab_size)),
        "models": [] if masking_rate is None else nearest_models(vocab_size, masking_rate),
    }
