"""Which folders hf_apt may write into: those that it has marked, and empty ones.

A folder that hf_apt makes holds a marker, `.hf_apt.json`, with its `kind` and, where the folder is
replaced as a whole, the names of its `files`. A folder that is not empty and has no marker belongs
to somebody else. There is no option that overrules this.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MARKER = ".hf_apt.json"
"""Name of the file that says that a folder is hf_apt's."""

LOCK = ".hf_apt.lock"
"""Name of the file that a process holds locked while it writes into a run's folder."""


def require_ours(
    folder: Path, kind: str, *, is_older: Callable[[Path], bool] = lambda folder: False
) -> None:
    """Raise ValueError unless hf_apt may write into `folder`: missing, empty, or marked as `kind`.

    `is_older` recognises a folder that was made before there were markers.
    """
    if _is_file(folder):
        raise ValueError(f"{folder} is a file, and a folder is wanted: choose another one.")
    if not folder.exists():
        return
    marker = _marker(folder)
    if marker is not None and marker.get("kind") != kind:
        raise ValueError(
            f"{folder} is a folder of hf_apt that holds {_of(marker.get('kind'))}, not {_of(kind)}:"
            " choose another one."
        )
    others = sorted(path.name for path in folder.iterdir() if path.name not in (MARKER, LOCK))
    if marker is None and others and not is_older(folder):
        raise ValueError(
            f"{folder} holds files that are not hf_apt's ({_first(others)}): nothing was written; "
            "choose a new or an empty folder."
        )


def require_new_file(path: Path) -> None:
    """Raise ValueError if there is anything at `path`, which a user has named for a new file."""
    if path.exists() or path.is_symlink():
        raise ValueError(
            f"{path} is there already, and nothing was written: name another file, or move that "
            "one away."
        )


def require_replaceable(folder: Path) -> None:
    """Raise ValueError unless all of `folder` may go: missing, empty, or all of it ours.

    Ours are the files that its marker lists, or those of the folders inside it.
    """
    others = _others(folder)
    require_ours(folder, "files", is_older=lambda _: not others)
    if others:
        raise ValueError(
            f"{folder} holds files that hf_apt has not written ({_first(others)}): it is not "
            "replaced; move them away, or choose another folder."
        )


def mark(folder: Path, kind: str, **content: Any) -> None:
    """Write the marker of `folder`, if it has none or another one."""
    marker = {"kind": kind, **content}
    if _marker(folder) != marker:
        partial = folder / f"{MARKER}.{os.getpid()}"
        partial.write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, folder / MARKER)


def mark_files(folder: Path) -> None:
    """Mark `folder` as one that is replaced as a whole, with the files that it holds now."""
    mark(folder, "files", files=sorted(set(_files(folder)) - {MARKER}))


@contextmanager
def one_writer(lock: Path, folder: Path) -> Iterator[None]:
    """Within the block no other process that asks for the same `lock` writes into `folder`.

    A process that is killed gives the lock up. Inside the block it may be asked for again. It holds
    on every file system with POSIX locks, NFS among them, for all machines that share it.

    Raises ValueError, with host and process, if another process holds it; and where the file system
    has no locks.
    """
    from filelock import FileLock, Timeout

    lock.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(lock, timeout=0, is_singleton=True, thread_local=False, fallback_to_soft=False)
    try:
        held.acquire()
    except Timeout:
        raise ValueError(
            f"another process writes into {folder} ({_holder(lock)}): wait until it has ended, or "
            "choose another folder."
        ) from None
    except NotImplementedError:
        raise ValueError(
            f"the file system of {folder} has no locks, so that two processes could mix their "
            "files: choose a folder on another one."
        ) from None
    try:
        if held.lock_counter == 1:
            lock.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        if held.lock_counter == 1:
            lock.unlink(missing_ok=True)  # who has opened it sees that it lost its name
        held.release()


def _holder(lock: Path) -> str:
    try:
        return lock.read_text(encoding="utf-8") or "unknown"
    except OSError:
        return "unknown"


def _marker(folder: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ValueError(f"{folder / MARKER} is no marker of hf_apt: choose another folder.")
    return content


def _others(folder: Path) -> list[str]:
    """The files below `folder` that no marker lists, by their paths."""
    files = set(_files(folder))
    for name in [name for name in files if Path(name).name == MARKER]:
        place = (folder / name).parent
        listed = (_marker(place) or {}).get("files", ())
        files -= {name, *((place / each).relative_to(folder).as_posix() for each in listed)}
    return sorted(files)


def _files(folder: Path) -> Iterator[str]:
    """The paths of all files below `folder`, links to folders among them."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _is_file(path: Path) -> bool:
    return path.is_symlink() and not path.exists() or path.exists() and not path.is_dir()


def _of(kind: Any) -> str:
    names = {
        "run": "a run",
        "files": "a checkpoint or tokens",
        "card": "a card",
        "bench": "results of a benchmark",
        "space": "a Space",
    }
    return names.get(str(kind), f"{kind!r}")


def _first(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
