"""What a measure is: an accumulator of answers that says one or more figures for every depth.

A new measure takes three files. (1) `hf_apt/stats/measures/<name>.py` with a class that keeps the
contract below. (2) `hf_apt/stats/measures/registry.py`, one line. (3)
`tests/stats/measures/test_<name>.py`, against a slow loop or a known answer. It is then fed in the
one pass of `measure`, of the command line and of `AptCallback`, merged over processes, kept in the
run's folder, entered in `summary.json`, logged by the callback, and shown in the terminal's table,
on the page and on the card: all of them go over the registry and its columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np

from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import Estimate
from hf_apt.stats.measures.answers import Answers


@dataclass(frozen=True)
class Column:
    """One figure of a measure at every depth."""

    key: str
    """Its name in `summary.json` and, before `_depth_<d>`, in a Trainer's log."""

    heading: str
    """What tables call it."""

    meaning: str
    """A clause that follows the heading and "is" in a table's notes, with unit and error."""


class Measure(Protocol):
    """An accumulator of answers at every depth."""

    name: ClassVar[str]
    """What its file in a run's folder is called."""

    compares_depths: ClassVar[bool]
    """Whether a figure at one depth depends on the answers at others."""

    columns: ClassVar[tuple[Column, ...]]
    """The figures it gives."""

    @classmethod
    def empty(cls, num_depths: int, vocab_size: int) -> Self:
        """A measure of nothing yet."""
        ...

    def update(self, answers: Answers) -> None:
        """Take in the answers to one batch."""
        ...

    def merge(self, other: Self) -> Self:
        """This measure and `other`, which is of other batches of the same measurement."""
        ...

    def figures(self) -> list[dict[str, Estimate]]:
        """For each depth, in order, the figure of each column by its key."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """All that it holds, to be kept on disk."""
        ...

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The measure whose `arrays` these are.

        Raises ValueError for arrays that no measure leaves.
        """
        ...

    def require_same_pass(self, counts: DepthCounts) -> None:
        """Raise ValueError unless `counts` can be of the same answers."""
        ...


def stored_arrays(arrays: dict[str, np.ndarray], **kinds: tuple[str, int]) -> list[np.ndarray]:
    """The arrays by their names, in the order of `kinds`: for each the dtype and the dimensions.

    Raises ValueError unless `arrays` has these names and no other, and they are of their kinds.
    """
    if set(arrays) != set(kinds):
        odd = sorted(set(arrays).symmetric_difference(kinds))[0]
        raise ValueError(f"{odd} is {'missing' if odd in kinds else 'unknown'}")
    for name, (dtype, num_dimensions) in kinds.items():
        array = arrays[name]
        if array.dtype != np.dtype(dtype) or array.ndim != num_dimensions:
            raise ValueError(
                f"{name} is of {array.dtype} in {array.ndim} dimensions, not of {dtype} in "
                f"{num_dimensions}"
            )
    return [arrays[name] for name in kinds]
