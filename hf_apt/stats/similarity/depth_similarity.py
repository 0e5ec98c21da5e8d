"""How alike depths are: linear CKA of every depth with every other, of one model or of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from hf_apt.stats.estimates import jackknife_error
from hf_apt.stats.notebooks.shown import ShownInNotebooks
from hf_apt.stats.similarity.cka import FromFirst, HsicSums, Rows, cka
from hf_apt.stats.similarity.cka_error import left_out
from hf_apt.stats.similarity.things import Things

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DepthSimilarity(ShownInNotebooks):
    """Linear CKA between depths, each from the embeddings to the last block."""

    cka_DE: Float[np.ndarray, "depth other_depth"]
    """1 for states that are equal but for a rotation, a scale and an origin; NaN where the states
    of a depth do not vary."""

    num: int
    """Number of things N whose states are compared."""

    things: Things
    """Kind of the things: tokens or texts."""

    debiased: bool
    """Whether independent states are at 0 on average, whatever N; else CKA is too high."""

    errors_DE: Float[np.ndarray, "depth other_depth"] | None = None
    """Standard errors over texts (`hf_apt.linear_cka_estimate`); None where none were made."""

    def facts(self) -> dict[str, str]:
        """The form, what is compared, and the matrix."""
        rows = (" ".join(f"{value:.2f}" for value in row) for row in self.cka_DE)
        largest = self.largest_error
        return {
            "form": "debiased" if self.debiased else "plain",
            "states of": f"{self.num:,} {self.things}",
            "CKA by depth": " / ".join(rows),
            "largest standard error": "none" if largest is None else f"{largest:.2g}",
        }

    @property
    def largest_error(self) -> float | None:
        """The largest of the standard errors; None without any."""
        if self.errors_DE is None or np.isnan(self.errors_DE).all():
            return None
        return float(np.nanmax(self.errors_DE))

    def to_pandas(self) -> pd.DataFrame:
        """A pandas table with a row for each pair of depths.

        Columns: `depth`, `other_depth`, `cka`, `standard_error`.
        """
        import pandas as pd

        errors_DE = np.full(self.cka_DE.shape, np.nan) if self.errors_DE is None else self.errors_DE
        depths_X, others_X = (axis.ravel() for axis in np.indices(self.cka_DE.shape))
        return pd.DataFrame(
            {
                "depth": depths_X,
                "other_depth": others_X,
                "cka": self.cka_DE.ravel(),
                "standard_error": errors_DE.ravel(),
            }
        )


class SimilaritySums:
    """The sums that a `DepthSimilarity` is made of, batch by batch, apart for each group of texts.

    Memory: for each group and each pair of depths an array as wide as the one's states by the
    other's, in float64; of one model each pair once.
    """

    def __init__(self, num_depths: int, num_others: int | None = None, *, num_groups: int = 1):
        self._is_own = num_others is None
        num_others = num_depths if num_others is None else num_others
        self._shape = (num_depths, num_others)
        self._origins = tuple([FromFirst() for _ in range(num)] for num in self._shape)

        def empty() -> list[HsicSums]:
            return [HsicSums() for _ in range(num_groups)]

        self._between = {
            (depth, other): empty()
            for depth in range(num_depths)
            for other in range(depth if self._is_own else 0, num_others)
        }
        self._within: tuple[list[list[HsicSums]], ...] = (
            () if self._is_own else tuple([empty() for _ in range(num)] for num in self._shape)
        )

    def update(
        self,
        states_DNH: Float[np.ndarray, "depth things width"],
        others_ENK: Float[np.ndarray, "other_depth things other_width"] | None = None,
        *,
        group: int = 0,
    ) -> None:
        """Add the states of N things of one group, of a second model, too, if there is one.

        Raises ValueError for states that are not finite, or of another number of things.
        """
        left = _rows(self._origins[0], states_DNH)
        right = left if others_ENK is None else _rows(self._origins[1], others_ENK)
        for (depth, other), sums in self._between.items():
            sums[group].add(left[depth], right[other])
        for side, rows in zip(self._within, (left, right), strict=False):
            for sums, each in zip(side, rows, strict=True):
                sums[group].add(each, each)

    def result(self, things: Things, *, debiased: bool = True) -> DepthSimilarity:
        """The similarity, with standard errors where there are several groups.

        Raises ValueError below 4 things.
        """
        between = {
            pair: left_out(_with_rows(sums), debiased=debiased)
            for pair, sums in self._between.items()
        }
        if self._is_own:
            rows = columns = [between[depth, depth] for depth in range(self._shape[0])]
            between |= {(other, depth): values for (depth, other), values in between.items()}
        else:
            rows, columns = (
                [left_out(_with_rows(sums), debiased=debiased) for sums in side]
                for side in self._within
            )
        # Of all things first, then without each group.
        cka_GDE = np.array(
            [
                [
                    [
                        cka(between[depth, other][number], row[number], column[number])
                        for other, column in enumerate(columns)
                    ]
                    for depth, row in enumerate(rows)
                ]
                for number in range(len(rows[0]))
            ]
        )
        num = sum(sums.num for sums in self._between[0, 0])
        errors_DE = jackknife_error(cka_GDE[1:]) if len(cka_GDE) > 2 else None
        return DepthSimilarity(cka_GDE[0], num, things, debiased, errors_DE)


def _with_rows(sums: Sequence[HsicSums]) -> list[HsicSums]:
    """The groups that have rows; all of them where none has."""
    return [each for each in sums if each.num] or list(sums)


def _rows(origins: Sequence[FromFirst], states_DNH: np.ndarray) -> list[Rows]:
    return [
        origin.rows(f"depth {depth}", state_NH)
        for depth, (origin, state_NH) in enumerate(zip(origins, states_DNH, strict=True))
    ]


def sums_bytes(width: int, num_depths: int, other_width: int = 0, num_others: int = 0) -> int:
    """Bytes of the largest arrays of one group of `SimilaritySums`.

    Without other depths they are those of one model.

    >>> sums_bytes(10, 2)
    2400
    """
    if not num_others:
        return 8 * width**2 * num_depths * (num_depths + 1) // 2
    between = width * other_width * num_depths * num_others
    return 8 * (between + width**2 * num_depths + other_width**2 * num_others)
