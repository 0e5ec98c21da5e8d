"""The matrix of CKA between depths: as a picture, as a page and as a record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hf_apt.atomic import writing
from hf_apt.ownership import require_new_file
from hf_apt.report.similarity.similarity_svg import similarity_svg
from hf_apt.stats.estimates import plain
from hf_apt.stats.similarity.depth_similarity import DepthSimilarity

SUFFIXES = (".html", ".svg", ".json", ".csv")
"""Endings of the files that a matrix can be written to."""


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
    ValueError for an ending other than `SUFFIXES`.
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
    """The matrix of similarities as JSON.

    `cka[d][e]` is that of depth d of `model` with depth e of `other`, or of `model` itself, and
    `standard_error` that of it; null where states do not vary, and for errors that were not made.
    """
    errors_DE = similarity.errors_DE
    return plain(
        {
            "model": model,
            "other": other,
            "form": "debiased" if similarity.debiased else "plain",
            "things": similarity.things,
            "num": similarity.num,
            "cka": similarity.cka_DE.tolist(),
            "standard_error": None if errors_DE is None else errors_DE.tolist(),
        }
    )
