"""Names of checkpoints: those that come with the package, and those that can only be folders."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).parents[1] / "checkpoints_data"
"""Folder with one folder for each shipped checkpoint."""


def checkpoint_path(name: str) -> str:
    """The folder of the shipped checkpoint called `name`; `name` itself if none is called so."""
    folder = SHIPPED / name
    return str(folder) if (folder / "config.json").exists() else name


def require_folder(name: str) -> None:
    """Raise ValueError if `name` can only be a folder and there is none."""
    path = Path(name).expanduser()
    is_folder = path.is_absolute() or len(path.parts) > 2 or name.startswith((".", "~"))
    if is_folder and not path.is_dir():
        raise ValueError(f"there is no checkpoint folder {name!r}.")
