"""A result that is tables of text, written as a record or as a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hf_apt.atomic import writing
from hf_apt.ownership import require_new_file


def write_tables(path: Path | str, record: Any, page: Callable[[], str]) -> Path:
    """The path of the new file: `record` as .json, or what `page` gives as .html.

    It is written whole or not at all. Raises ValueError for another ending, and if there is a file
    already.
    """
    path = Path(path)
    if path.suffix not in (".json", ".html"):
        raise ValueError(f"{path} is neither .html nor .json: name one.")
    require_new_file(path)
    if path.suffix == ".json":
        content = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    else:
        content = page()
    with writing(path) as file:
        file.write(content)
    return path
