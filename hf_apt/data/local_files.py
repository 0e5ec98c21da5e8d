"""The files that a user names, and which of them are held out by their own names."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

_VALIDATION_NAME = re.compile(r"(^|[^a-z])(validation|valid|val|dev|test)([^a-z]|$)")


def local_files(name: str, suffixes: Collection[str]) -> list[Path] | None:
    """The files that a path, a folder or a glob names; None if `name` looks like no path.

    Raises ValueError where a path or a glob names no file, or a folder none of these `suffixes`.
    """
    path = Path(name).expanduser()
    if any(character in name for character in "*?["):
        root, pattern = (
            (path.anchor, str(path.relative_to(path.anchor))) if path.anchor else (".", name)
        )
        files = sorted(Path(root).glob(pattern))
        if not files:
            raise ValueError(f"no file matches {name!r}.")
        return files
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in suffixes)
        if not files:
            raise ValueError(f"{path} holds no {', '.join(sorted(suffixes))} file.")
        return files
    if path.is_file():
        return [path]
    if path.suffix in suffixes or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ValueError(f"{path} does not exist.")
    return None


def train_and_held_out(
    files: Sequence[Path], suffixes: Collection[str]
) -> tuple[list[Path], list[Path]]:
    """The files to learn from, and those whose names say that they are for validation or test.

    If all names say so, the files are to learn from. Raises ValueError for a file that is empty or
    that has none of these `suffixes`.
    """
    unknown = [file for file in files if file.suffix not in suffixes]
    if unknown:
        raise ValueError(
            f"{unknown[0]} cannot be read: its ending is none of {', '.join(sorted(suffixes))}."
        )
    empty = [file for file in files if file.stat().st_size == 0]
    if empty:
        raise ValueError(f"{empty[0]} is empty.")
    held_out = [file for file in files if _VALIDATION_NAME.search(file.stem.lower())]
    train = [file for file in files if file not in held_out]
    return (train, held_out) if train else (held_out, [])
