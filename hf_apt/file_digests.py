"""Digests of files, each made once in a process for as long as its file stays as it is."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

_SETTLED = 2_000_000_000
"""Nanoseconds after a change from which on another change shows in a file's dates."""

_known: dict[tuple[object, Path], tuple[tuple[int, ...], str]] = {}


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in 64 hexadecimal digits."""
    return once(_sha256, path)


def once(digest: Callable[[Path], str], path: Path) -> str:
    """`digest(path)`, not made again unless the size or a date of the file has changed.

    A file that was changed within the last two seconds is read again: dates can be that coarse.
    """
    stat = path.stat()
    state = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    key = digest, path.absolute()
    if key in _known and _known[key][0] == state:
        return _known[key][1]
    made = digest(path)
    if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED:
        _known[key] = state, made
    return made


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
