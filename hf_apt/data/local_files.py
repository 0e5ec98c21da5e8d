"""The files that a user names, and which of them are held out by their own names."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from hf_apt.data.text_files import suffix_of

_VALIDATION_NAME = re.compile(r"(^|[^a-z])(validation|valid|val|dev|test)([^a-z]|$)")


def local_files(name: str, suffixes: Collection[str]) -> list[Path] | None:
    """The files that a path, a folder or a glob names; None if `name` looks like no path.

    What exists is taken as it is, also where its name holds brackets.

    Raises ValueError where a path or a glob names no file, or a folder none of these `suffixes`.
    """
    try:
        return _local_files(name, suffixes)
    except (OSError, RuntimeError) as error:  # a name too long, a home of nobody
        raise ValueError(f"{name[:200]!r} cannot be looked up: {error}") from error


def _local_files(name: str, suffixes: Collection[str]) -> list[Path] | None:
    if "\0" in name:
        raise ValueError(f"{name[:200]!r} is no name of a file.")
    path = Path(name).expanduser()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if suffix_of(file) in suffixes)
        files = [file for file in files if file.is_file()]
        if not files:
            raise ValueError(f"{path} holds no {', '.join(sorted(suffixes))} file.")
        return files
    if path.is_file():
        return [path]
    if path.exists():
        raise ValueError(f"{path} is neither a file nor a folder.")
    if path.is_symlink():
        raise ValueError(f"{path} is a link that leads to no file.")
    if any(character in name for character in "*?["):
        return _matching(name, path)
    if suffix_of(path) in suffixes or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ValueError(f"{path} does not exist.")
    return None


def _matching(name: str, path: Path) -> list[Path]:
    root, pattern = (
        (path.anchor, str(path.relative_to(path.anchor))) if path.anchor else (".", name)
    )
    try:
        files = sorted(file for file in Path(root).glob(pattern) if file.is_file())
    except (ValueError, NotImplementedError, re.error) as error:
        raise ValueError(f"{name!r} is no pattern of file names: {error}") from error
    if not files:
        raise ValueError(f"no file matches {name!r}.")
    return files


def train_and_held_out(
    files: Sequence[Path], suffixes: Collection[str]
) -> tuple[list[Path], list[Path]]:
    """The files to learn from, and those whose names say that they are for validation or test.

    If all names say so, the files are to learn from. Raises ValueError for a file that is empty or
    that has none of these `suffixes`.
    """
    unknown = [file for file in files if not _is_readable(file, suffixes)]
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


def _is_readable(file: Path, suffixes: Collection[str]) -> bool:
    is_packed_table = file.name.lower().endswith(".parquet.gz")
    return suffix_of(file) in suffixes and not is_packed_table
