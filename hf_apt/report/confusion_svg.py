"""Confusion pictures: who was mistaken for whom among a few tokens, as SVG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from markupsafe import Markup, escape
from scipy.sparse import csr_array

_LEVELS = 12
"""Shades that a square can have."""


def share_of_answers(matrix: csr_array, tokens: Sequence[int]) -> np.ndarray:
    """(K, K): the share of the row token's answers that were the column token; 0 if never asked."""
    rows = matrix[np.array(tokens, np.int64)]
    support_K = np.asarray(rows.sum(axis=1)).ravel()
    return rows[:, np.array(tokens, np.int64)].toarray() / np.maximum(support_K, 1)[:, None]


def confusion_cells(share_KK: Float[np.ndarray, "tokens tokens"], symbol: str) -> Markup:
    """An SVG symbol: a unit square for each pair of tokens, darker for a larger share of answers.

    `share_KK[row, column]` is the share of the row token's answers that were the column token. The
    shade goes by the square root of the share, so that 1 % can still be seen.
    """
    level_KK = np.ceil(np.sqrt(share_KK) * _LEVELS).astype(int)
    paths = []
    for level in range(1, _LEVELS + 1):
        rows, columns = np.nonzero(level_KK == level)
        squares = "".join(
            f"M{column} {row}h1v1h-1z" for row, column in zip(rows, columns, strict=True)
        )
        if squares:
            paths.append(f'<path fill-opacity="{level / _LEVELS:.2f}" d="{squares}"/>')
    side = len(share_KK)
    head = f'<symbol id="{symbol}" viewBox="0 0 {side} {side}" overflow="hidden">'
    return Markup(f"{head}{''.join(paths)}</symbol>")  # noqa: S704 (numbers only)


def confusion_frame(
    tokens: Sequence[str], clusters: Sequence[int], num_shown: int, css_class: str
) -> Markup:
    """The frame of a confusion picture: labels, outlines of clusters, and room for the cells.

    The first `num_shown` of the `tokens` are shown; `clusters` are the lengths of the runs of
    tokens that belong together. The script puts a depth's cells into the `<use>`.
    """
    cell, label, font = 17, 96, 12.5
    side = label + cell * num_shown + 1
    rows, columns = [], []
    for index, token in enumerate(tokens[:num_shown]):
        text = escape(token if len(token) <= 12 else token[:11] + "…")
        middle = label + cell * (index + 0.5) + font * 0.34
        rows.append(f'<text x="{label - 6}" y="{middle:.1f}" text-anchor="end">{text}</text>')
        columns.append(f'<text x="{6 - label}" y="{middle:.1f}">{text}</text>')
    outlines, start = [], 0
    for length in clusters:
        size = min(length, num_shown - start)
        if size > 1:
            at = label + cell * start
            outlines.append(
                f'<rect x="{at}" y="{at}" width="{cell * size}" height="{cell * size}"/>'
            )
        start += length
        if start >= num_shown:
            break
    area = cell * num_shown
    whole = cell * len(tokens)
    return Markup(  # noqa: S704 (tokens are escaped above)
        f'<svg class="confusion {css_class}" viewBox="0 0 {side} {side}" font-size="{font}"'
        f' data-shown="{num_shown}" role="img" aria-label="Confusion among {num_shown} tokens">'
        f'<rect class="ground" x="{label}" y="{label}" width="{area}" height="{area}"/>'
        f'<svg x="{label}" y="{label}" width="{area}" height="{area}"'
        f' viewBox="0 0 {area} {area}"><use class="cells" width="{whole}" height="{whole}"/></svg>'
        f'<g class="outline">{"".join(outlines)}</g><g>{"".join(rows)}</g>'
        f'<g transform="rotate(-90)">{"".join(columns)}</g></svg>'
    )
