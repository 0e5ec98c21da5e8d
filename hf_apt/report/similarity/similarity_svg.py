"""The matrix of CKA between depths as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from hf_apt.report.charts.chart_data import ChartData
from hf_apt.stats.labels import default_depth_names
from hf_apt.stats.similarity.depth_similarity import DepthSimilarity

_CELL, _LABEL, _FONT = 44, 92, 13


def similarity_svg(
    similarity: DepthSimilarity,
    model: str,
    other: str | None = None,
    *,
    labels: Sequence[str] | None = None,
) -> Markup:
    """The matrix of similarities as SVG: a row for each depth of `model`, darker for more alike.

    Each entry shows its value and, when it is pointed at, its standard error. `labels` say what
    stands at each depth of `model`.
    """
    cka_DE = similarity.cka_DE
    errors_DE = np.full(cka_DE.shape, np.nan)
    if similarity.errors_DE is not None:
        errors_DE = similarity.errors_DE
    num_rows, num_columns = cka_DE.shape
    width, height = _LABEL + _CELL * num_columns + 24, _LABEL + _CELL * num_rows
    cells = [
        _cell(_LABEL + _CELL * column, _LABEL + _CELL * row, value, float(errors_DE[row, column]))
        for (row, column), value in np.ndenumerate(cka_DE)
    ]
    row_names = list(labels or default_depth_names(num_rows))
    column_names = list((other is None and labels) or default_depth_names(num_columns))
    data = ChartData(
        ["row", "column", "CKA", "standard error"],
        [
            [
                row_names[row],
                column_names[column],
                _known(value),
                _known(float(errors_DE[row, column])),
            ]
            for (row, column), value in np.ndenumerate(cka_DE)
        ],
    )
    rows = [
        f'<text x="{_LABEL - 6}" y="{_LABEL + _CELL * (row + 0.6):.1f}" text-anchor="end">'
        f"{escape(name)}</text>"
        for row, name in enumerate(row_names)
    ]
    columns = [
        f'<text transform="translate({_LABEL + _CELL * (column + 0.6):.1f} {_LABEL - 6})'
        f' rotate(-45)">{escape(name)}</text>'
        for column, name in enumerate(column_names)
    ]
    with_what = "one another" if other is None else f"those of {other}"
    label = escape(f"CKA of the depths of {model} with {with_what}")
    return Markup(  # noqa: S704 (names are escaped above)
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' font-family="system-ui, sans-serif" font-size="{_FONT}" fill="currentColor" role="img"'
        f' aria-label="{label}" data-n="{similarity.num:,} {similarity.things}"'
        f' data-table="{escape(data.text())}">'
        f"{''.join([*cells, *rows, *columns])}</svg>\n"
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _cell(x: int, y: int, value: float, error: float) -> str:
    told = "" if np.isnan(error) else f"<title>{value:.3f} ± {error:.3f}</title>"
    shown = "" if np.isnan(value) else f"{value:.2f}"
    shade = 0.0 if np.isnan(value) else 0.65 * min(max(value, 0.0), 1.0)
    return (
        f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}"'
        f' fill="rgb(46, 134, 222)" fill-opacity="{shade:.3f}"/>'
        f'<text x="{x + _CELL / 2 - 1:.0f}" y="{y + _CELL * 0.6:.1f}" text-anchor="middle">'
        f"{told}{shown}</text>"
    )
