"""A card in a folder of the user's choice: written there, and written again after a change."""

from __future__ import annotations

import json
from pathlib import Path

from hf_apt.atomic import writing
from hf_apt.ownership import MARKER, mark, require_ours


def write_card(folder: Path, files: dict[str, bytes], kind: str = "card") -> None:
    """Write `files`, by their names, into `folder`, in place of the card that hf_apt wrote there.

    Other files beside that card stay as they are; `kind` says what else than a card the files are.
    Raises ValueError, before anything is written, unless `folder` is missing, empty or one that
    holds files of hf_apt of this kind, and if a file of one of these names is not in the list of
    its marker.
    """
    require_ours(folder, kind)
    listed = _listed(folder)
    for path in (folder / name for name in files if name not in listed):
        if path.exists() or path.is_symlink():
            raise ValueError(
                f"{path} is there, and hf_apt has not written it: nothing was written; choose a "
                "new or an empty folder."
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder / name for name in listed - set(files)):
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            path.unlink()
    mark(folder, kind, files=sorted(files))  # first, so that nothing is left that is not listed
    for name, content in files.items():
        with writing(folder / name, "wb") as file:
            file.write(content)


def _listed(folder: Path) -> set[str]:
    """The names of the files that the marker of `folder` says hf_apt wrote."""
    try:
        return set(json.loads((folder / MARKER).read_text(encoding="utf-8")).get("files", ()))
    except FileNotFoundError:
        return set()
