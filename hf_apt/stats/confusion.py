"""The token confusion matrix, filtered and normalised by its diagonal.

Steps 1-3 of the construction in arXiv 2509.03407: count, drop the rows whose diagonal is not their
maximum, divide each kept row by its diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csr_array

from hf_apt.stats.counts import PairCounts
from hf_apt.stats.notebooks.frames import entries_frame
from hf_apt.stats.notebooks.shown import ShownInNotebooks

if TYPE_CHECKING:
    import pandas as pd

DENSE_LIMIT_BYTES = 2 * 1024**3
"""A dense matrix above this size is refused: at 30,522 tokens it would take 7.5 GB."""
LEAST_ERRORS = 2
"""A wrong answer that was given less often is left out of `error_shares`: a single slip can be all
the wrong answers of a token."""


@dataclass(frozen=True)
class Confusion(ShownInNotebooks):
    """A token confusion matrix and its rows normalised by their diagonal."""

    matrix: csr_array
    """(V, V) int64 counts: row = reference, column = prediction."""

    kept_V: Bool[np.ndarray, " vocab"]
    """Tokens whose right answer is their commonest answer (ties are kept)."""

    num_ties: int
    """Kept tokens for which another answer is exactly as common as the right one."""

    normalised: csr_array
    """(V, V) float64: kept rows divided by their diagonal, which becomes 1; other rows empty."""

    def facts(self) -> dict[str, str]:
        """The numbers of tokens and of distinct pairs.

        Returns:
            The figures as text, by what they are called.
        """
        return {
            "tokens": f"{np.count_nonzero(np.diff(self.matrix.indptr)):,} asked for, of "
            f"{len(self.kept_V):,}",
            "kept": f"{np.count_nonzero(self.kept_V):,}, {self.num_ties:,} of them tied",
            "distinct pairs": f"{self.matrix.nnz:,}",
        }

    def to_pandas(self) -> pd.DataFrame:
        """A pandas table with a row for each pair that occurred.

        Returns:
            `reference` and `prediction`, ids of tokens; `count`; `kept`, whether the reference is
            among the kept tokens; `normalised`, the count over that of the right answer, NaN where
            the reference is not kept.
        """
        frame = entries_frame(self.matrix)
        references = frame["reference"].to_numpy()
        frame["kept"] = self.kept_V[references]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = frame["count"].to_numpy() / self.matrix.diagonal()[references]
        frame["normalised"] = np.where(frame["kept"], shares, np.nan)
        return frame

    @cached_property
    def error_shares(self) -> csr_array:
        """(V, V) float64: of a kept token's wrong answers the share that each makes up (ours).

        It does not depend on how often the token is right. Given are those answers that occurred
        `LEAST_ERRORS` times; other entries, rows of tokens that are not kept and the diagonal are
        empty. Formed once, with up to 16 bytes for each of these entries.
        """
        matrix = self.matrix
        places = np.flatnonzero(matrix.data >= LEAST_ERRORS)
        rows = np.searchsorted(matrix.indptr, places, side="right") - 1
        columns = matrix.indices[places]
        meant = self.kept_V[rows] & (rows != columns)
        rows, columns, given = rows[meant], columns[meant], matrix.data[places[meant]]
        num_wrong_V = matrix.sum(axis=1) - matrix.diagonal()
        row_starts = np.searchsorted(rows, np.arange(len(matrix.indptr)))
        return csr_array((given / num_wrong_V[rows], columns, row_starts), shape=matrix.shape)

    def dense(self) -> np.ndarray:
        """The counts as a dense (V, V) array; refused above `DENSE_LIMIT_BYTES`."""
        size = len(self.kept_V) ** 2 * 8
        if size > DENSE_LIMIT_BYTES:
            raise ValueError(
                f"a dense confusion matrix of {len(self.kept_V)} tokens takes "
                f"{size / 1024**3:.1f} GiB: work on the sparse `matrix`, or on chosen rows of it."
            )
        return self.matrix.toarray()


def confusion(pairs: PairCounts) -> Confusion:
    """The token confusion matrix of counted pairs, with its row filter and normalisation.

    A row is kept if its right answer is its commonest one, and divided by its diagonal. Source:
    arXiv 2509.03407, steps 1 to 3 of the construction.

    Args:
        pairs: how often each reference token was answered by each prediction.

    Returns:
        The sparse (V, V) counts, which rows are kept, and the normalised rows.
    """
    matrix = pairs.matrix()
    diagonal_V = matrix.diagonal()
    row_max_V = _row_max(matrix)
    kept_V = (diagonal_V > 0) & (diagonal_V == row_max_V)
    rows = np.repeat(np.arange(pairs.vocab_size), np.diff(matrix.indptr))
    at_maximum = kept_V[rows] & (matrix.data == row_max_V[rows])
    num_at_maximum_V = np.bincount(rows[at_maximum], minlength=pairs.vocab_size)
    # One division an entry: 7 * (1 / 70) < 0.1 would miss a strong match, and 49 * (1 / 49) < 1.
    kept = kept_V[rows]
    shares = np.divide(matrix.data[kept], diagonal_V[rows[kept]])
    row_starts = np.r_[0, np.cumsum(np.where(kept_V, np.diff(matrix.indptr), 0))]
    normalised = csr_array((shares, matrix.indices[kept], row_starts), shape=matrix.shape)
    return Confusion(matrix, kept_V, int((num_at_maximum_V > 1).sum()), normalised)


def noise_mass(confusion: Confusion, strong_matches: csr_array) -> Float[np.ndarray, " kept"]:
    """For each kept token, the share of its answers that are neither right nor a strong match.

    `strong_matches` is what `hf_apt.stats.clusters.strong_matches` returns.
    """
    matrix = confusion.matrix
    support_V = matrix.sum(axis=1)
    meant_V = matrix.diagonal() + matrix.multiply(strong_matches).sum(axis=1)
    kept = confusion.kept_V
    return 1.0 - meant_V[kept] / support_V[kept]


def _row_max(matrix: csr_array) -> np.ndarray:
    row_max_V = np.zeros(len(matrix.indptr) - 1, matrix.dtype)
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if len(filled):
        row_max_V[filled] = np.maximum.reduceat(matrix.data, matrix.indptr[filled])
    return row_max_V
