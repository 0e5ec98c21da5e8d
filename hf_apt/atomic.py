"""Writing a file or a folder so that its final name only ever holds all of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hf_apt.ownership import mark_files, one_writer, require_replaceable


@contextmanager
def writing(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """A file that appears under `path` when the block ends, and not at all if it raises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encoding = None if "b" in mode else "utf-8"
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o666 & ~_umask())  # mkstemp makes files that only the owner may read
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """A folder that appears under `path` when the block ends, and not at all if it raises.

    A folder that stood there before is replaced if it is empty or if every file in it is one that
    this function left there. It is moved aside first and deleted last, so that an interruption
    leaves the old folder or the new one, and never half of either. One process at a time writes it.

    Raises ValueError, before the block begins, if `path` is a file or holds a file of somebody
    else's, and if another process writes it.
    """
    require_replaceable(path)
    with one_writer(path.with_name(f".{path.name}.lock"), path):
        yield from _replaced(path)


def _replaced(path: Path) -> Iterator[Path]:
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    old = partial.with_name(f"{partial.name}.old")
    try:
        yield partial
        mark_files(partial)
        require_replaceable(path)  # which the block may have taken hours to fill
        _give_usual_permissions(partial)
        if path.exists():
            os.replace(path, old)
        os.replace(partial, path)
    except BaseException:
        if old.exists() and not path.exists():
            os.replace(old, path)
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)


def _give_usual_permissions(folder: Path) -> None:
    """Give a folder the usual permissions: safetensors and mkdtemp let only the owner read."""
    mask = _umask()
    os.chmod(folder, 0o777 & ~mask)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            os.chmod(path, (0o777 if path.is_dir() else 0o666) & ~mask)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
