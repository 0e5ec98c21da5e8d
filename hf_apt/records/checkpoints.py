"""The checkpoints that come with the package, and how to name one."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).parents[1] / "checkpoints_data"
"""Folder with one folder for each shipped checkpoint."""


def checkpoint_path(name: str) -> str:
    """The folder of the shipped checkpoint called `name`; `name` itself if none is called so."""
    folder = SHIPPED / name
    return str(folder) if (folder / "config.json").exists() else name
