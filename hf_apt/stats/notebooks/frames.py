"""Sparse counts as pandas tables: to sort, filter, join and save."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array


def entries_frame(matrix: csr_array) -> pd.DataFrame:
    """A row for each entry (reference, prediction) of a (V, V) matrix.

    Rows are by reference, then prediction. Columns: `reference`, `prediction`, ids of tokens, and
    `count`.
    """
    import pandas as pd

    entries = matrix.tocoo()
    return pd.DataFrame(
        {"reference": entries.row, "prediction": entries.col, "count": entries.data}
    )
