"""The table of all measures by depth, for page, terminal and card alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from hf_apt.report.formats import estimates
from hf_apt.report.section import TextTable
from hf_apt.stats.depth_figures import DepthFigures
from hf_apt.stats.labels import READOUT_LABELS
from hf_apt.stats.measures.registry import COLUMNS


def measures_table(
    readout: str, depths: Sequence[DepthFigures], labels: Sequence[str]
) -> TextTable | None:
    """A row for each depth and a column for each figure that was measured; None for none."""
    rows = cast(Sequence[dict[str, Any]], depths)  # the columns' keys are the measures' own
    columns = [column for column in COLUMNS if any(depth.get(column.key) for depth in rows)]
    if not columns:
        return None
    cells = [estimates([depth.get(column.key) for depth in rows]) for column in columns]
    names = [labels[depth["depth"]] for depth in depths]
    return TextTable(
        title=f"Measures of the answers, {READOUT_LABELS[readout]}",
        header=["depth", *(column.heading for column in columns)],
        rows=[list(row) for row in zip(names, *cells, strict=True)],
        notes=[f"{column.heading}: {column.meaning}" for column in columns],
    )
