"""What published models were measured to reach, and which of them are like a given one."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TypedDict

from hf_apt.reading import read_json

_DATA = Path(__file__).with_name("models.json")


class ReferenceEstimate(TypedDict):
    """A mean with its standard error; `num` tokens, null where that was not kept."""

    value: float
    standard_error: float
    num: int | None


class ReferenceModel(TypedDict):
    """What one model reached on one text, by its own head after the last block.

    `model` and its `source`; the `text` that was asked; `vocab_size`; `masking_rate` in (0, 1];
    `num_positions` that were asked, null where that was not kept; `accuracy` over positions and
    `mean_apt` over tokens, in [0, 1]; `rarefied_mean_apt`, expected of 1,000 positions
    (`hf_apt.stats.rarefaction`), null where it was not made; `evidence`, how it was measured.
    """

    model: str
    source: str
    text: str
    vocab_size: int
    masking_rate: float
    num_positions: int | None
    accuracy: float
    mean_apt: ReferenceEstimate
    rarefied_mean_apt: ReferenceEstimate | None
    evidence: str


def reference_models() -> list[ReferenceModel]:
    """All rows, all measured with hf_apt, as they ship with it."""
    return list(_rows())


@cache
def _rows() -> tuple[ReferenceModel, ...]:
    return tuple(read_json(_DATA))


def nearest_models(vocab_size: int, masking_rate: float, num: int = 3) -> list[ReferenceModel]:
    """The `num` models nearest in vocabulary and masking rate, a row of each, the nearest first.

    The distance is |ln V - ln V'| + |ln r - ln r'|: twice the vocabulary is as far as twice the
    rate; of equals those come first that ship first (ours).
    """

    def distance(row: ReferenceModel) -> float:
        sizes = abs(math.log(vocab_size / row["vocab_size"]))
        return sizes + abs(math.log(masking_rate / row["masking_rate"]))

    nearest: dict[str, ReferenceModel] = {}
    for row in sorted(_rows(), key=distance):
        nearest.setdefault(row["model"], row)
    return list(nearest.values())[:num]


def is_like(row: ReferenceModel, vocab_size: int, masking_rate: float) -> bool:
    """Whether a row's vocabulary is within a factor of 4, and its rate within one of 1.5 (ours)."""
    sizes = abs(math.log(vocab_size / row["vocab_size"]))
    rates = abs(math.log(masking_rate / row["masking_rate"]))
    return sizes <= math.log(4) + 1e-9 and rates <= math.log(1.5) + 1e-9
