"""The matrix of CKA between depths: as a picture, as a page and as a record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from hf_apt.atomic import writing
from hf_apt.ownership import require_new_file
from hf_apt.stats.estimates import plain
from hf_apt.stats.labels import default_depth_names
from hf_apt.stats.similarity.depth_similarity import DepthSimilarity

SUFFIXES = (".html", ".svg", ".json", ".csv")
"""Endings of the files that a matrix can be written to."""

_CELL, _LABEL, _FONT = 44, 92, 13


def require_similarity_file(path: Path) -> None:
    """Raise ValueError unless `path` is a new file with one of `SUFFIXES` as its ending."""
    if path.suffix.lower() not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise ValueError(f"{path} has an ending other than {known}: name a file with one of these.")
    require_new_file(path)


def write_similarity(
    path: Path, similarity: DepthSimilarity, model: str, other: str | None = None
) -> Path:
    """The path of the file that is written, whole or not at all, as its ending says.

    `model` and `other` are the models' names. A page needs nothing else and loads nothing. Raises
    ValueError for an ending that is none of `SUFFIXES`.
    """
    from hf_apt.report import rendered

    require_similarity_file(path)
    suffix = path.suffix.lower()
    record = similarity_record(similarity, model, other)
    if suffix == ".json":
        content = json.dumps(record, indent=1, allow_nan=False) + "\n"
    elif suffix == ".csv":
        content = similarity.to_pandas().to_csv(index=False)
    else:
        content = picture = similarity_svg(similarity, model, other)
        if suffix == ".html":
            content = rendered("similarity.html.jinja", {"record": record, "picture": picture})
    with writing(path) as file:
        file.write(content)
    return path


def similarity_record(
    similarity: DepthSimilarity, model: str, other: str | None = None
) -> dict[str, Any]:
    """The matrix as JSON: `cka[d][e]` is that of depth d of `model` with depth e of `other`, or of
    `model` itself; null where states do not vary."""
    return plain(
        {
            "model": model,
            "other": other,
            "form": "debiased" if similarity.debiased else "plain",
            "things": similarity.things,
            "num": similarity.num,
            "cka": similarity.cka_DE.tolist(),
        }
    )


def similarity_svg(similarity: DepthSimilarity, model: str, other: str | None = None) -> Markup:
    """The matrix as SVG: a row for each depth of `model`, darker for more alike, with its value."""
    cka_DE = similarity.cka_DE
    num_rows, num_columns = cka_DE.shape
    width, height = _LABEL + _CELL * num_columns + 24, _LABEL + _CELL * num_rows
    cells = [
        _cell(_LABEL + _CELL * column, _LABEL + _CELL * row, value)
        for (row, column), value in np.ndenumerate(cka_DE)
    ]
    rows = [
        f'<text x="{_LABEL - 6}" y="{_LABEL + _CELL * (row + 0.6):.1f}" text-anchor="end">'
        f"{name}</text>"
        for row, name in enumerate(default_depth_names(num_rows))
    ]
    columns = [
        f'<text transform="translate({_LABEL + _CELL * (column + 0.6):.1f} {_LABEL - 6})'
        f' rotate(-45)">{name}</text>'
        for column, name in enumerate(default_depth_names(num_columns))
    ]
    with_what = "one another" if other is None else f"those of {other}"
    label = escape(f"CKA of the depths of {model} with {with_what}")
    return Markup(  # noqa: S704 (names are escaped above)
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' font-family="system-ui, sans-serif" font-size="{_FONT}" fill="currentColor" role="img"'
        f' aria-label="{label}">{"".join([*cells, *rows, *columns])}</svg>\n'
    )


def _cell(x: int, y: int, value: float) -> str:
    shown = "" if np.isnan(value) else f"{value:.2f}"
    shade = 0.0 if np.isnan(value) else 0.65 * min(max(value, 0.0), 1.0)
    return (
        f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}"'
        f' fill="rgb(46, 134, 222)" fill-opacity="{shade:.3f}"/>'
        f'<text x="{x + _CELL / 2 - 1:.0f}" y="{y + _CELL * 0.6:.1f}" text-anchor="middle">'
        f"{shown}</text>"
    )
