"""What a command says, and its exit code, when it cannot go on.

It is one sentence for what a user can do something about. An unforeseen exception keeps its
traceback.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import tempfile
import zipfile
import zlib
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from hf_apt.reading import first_line, is_of_the_network
from hf_apt.training.interruption import Stopped

_GOES_ON = "the same command goes on from here."
_STARTS_ANEW = "nothing of it was kept, so that the same command starts over."
_SAVED = "the same command goes on from what was saved last."
_FULL = (errno.ENOSPC, errno.EDQUOT)
_DISK_FULL = ("os error 28", "inline_container.cc", "No space left on device")
"""How safetensors, torch.save and others say that a file could not be written to its end."""
_NO_MEMORY = ("allocate memory", "out of memory", "bad allocation", "killed by signal: Killed")
"""How torch and its workers say that memory is used up."""
_BROKEN = (EOFError, zipfile.BadZipFile, zlib.error)
_BROKEN_NAMES = ("SafetensorError", "UnpicklingError", "LZMAError")
"""Errors of packages that may not be installed or imported yet, by the name of their type."""
_BROKEN_PHRASES = ("PytorchStreamReader failed",)
_SILENT = (
    *("Timed out waiting", "wait timeout after", "Timeout waiting", "timed out after"),
    *("Application timeout caused pair closure", "timed out connecting", "Connect timeout"),
)
"""How gloo and torch's stores say that another process has not answered in time."""
_LOST = (
    *("Connection closed by peer", "Connection reset by peer", "Broken pipe", "ncclRemoteError"),
    *("Connection was likely closed", "failed to recv, got 0 bytes"),
)
"""How gloo, NCCL and torch's stores say that another process has ended."""
_BETWEEN_PROCESSES = ("gloo", "ProcessGroup", "NCCL", "TCPStore")
"""What the plain RuntimeErrors among these name."""
_UNREACHABLE_NAMES = ("DistNetworkError", "DistStoreError")
_TO_INSTALL = {"sklearn": "scikit-learn", "PIL": "pillow", "yaml": "pyyaml"}
"""Names in the package index, where they are not those of the import."""
_ROOM = 64 * 2**20

_output: ContextVar[Path | None] = ContextVar("output", default=None)
_again: ContextVar[str] = ContextVar("again", default=_GOES_ON)


@dataclass(frozen=True)
class Failure:
    """How a command ends that cannot go on."""

    sentence: str
    """What is said, in one line."""

    code: int
    """The exit code: 1 where another process was lost, 2 for what the user can mend, 128 and its
    number for a signal."""


def writes_into(folder: Path) -> None:
    """Note that the command's output goes to `folder`, for the sentences of `failure_of`.

    Raises ValueError if it cannot (`require_folder_possible`).
    """
    _output.set(folder)
    require_folder_possible(folder)


def output_folder() -> Path | None:
    """The folder that the command writes into, as `writes_into` was told."""
    return _output.get()


def starts_anew() -> None:
    """Note that the command keeps nothing before its end, for the sentences of `failure_of`."""
    _again.set(_STARTS_ANEW)


def writes_nothing() -> None:
    """Forget what a command before has noted."""
    _output.set(None)
    _again.set(_GOES_ON)


def require_folder_possible(folder: Path) -> None:
    """Raise ValueError unless `folder` is a folder that can be written into, or could be made.

    Nothing is left on the disk: a folder that is not there yet is tried with an empty one beside
    it.
    """
    try:
        parent = _nearest_folder(folder)
        if parent == folder:
            if not os.access(folder, os.W_OK | os.X_OK):
                raise OSError(errno.EACCES, os.strerror(errno.EACCES))
            return
        os.rmdir(tempfile.mkdtemp(prefix=".hf_apt-", dir=parent))
    except OSError as error:
        raise ValueError(
            f"{folder} cannot be written into ({error.strerror or error}): choose another --output."
        ) from error


def failure_of(error: BaseException) -> Failure | None:
    """What is said about `error`; None if it is unforeseen, or no failure at all."""
    if isinstance(error, KeyboardInterrupt):
        return Failure(f"stopped; {_again.get()}", 128 + signal.SIGINT)
    if isinstance(error, Stopped):
        name = signal.Signals(error.signum).name
        return Failure(f"stopped by {name}; {_again.get()}", 128 + error.signum)
    if lost := _of_other_processes(error):
        return Failure(" ".join(lost.split()), 1)
    sentence = _told(error)
    return Failure(" ".join(sentence.split()), 2) if sentence else None


def _of_other_processes(error: BaseException) -> str | None:
    """The sentence about an error that another process of the run has brought about."""
    name, words = type(error).__name__, str(error)
    is_of_torch = name.startswith("Dist") and type(error).__module__.startswith("torch.")
    is_named = type(error) is RuntimeError and any(part in words for part in _BETWEEN_PROCESSES)
    if not (is_of_torch or is_named):
        return None
    if any(phrase in words for phrase in _SILENT):
        from hf_apt.models.devices import patience

        return (
            f"another process of this run has not answered for {patience()} seconds, as long as "
            f"HF_APT_PATIENCE lets it: end what is left of the run; {_SAVED}"
        )
    if any(phrase in words for phrase in _LOST):
        return f"another process of this run was lost; {_SAVED}"
    if name in _UNREACHABLE_NAMES:
        return f"the processes of this run do not reach one another ({first_line(error)}); {_SAVED}"
    return None


def _told(error: BaseException) -> str | None:
    """The sentence about an error that the user can mend."""
    words = f"{type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.errno is not None:
        return None if error.errno == errno.EPIPE else _of_system(error)
    if isinstance(error, ImportError):
        return _of_package(error)
    if isinstance(error, MemoryError) or _says(error, _NO_MEMORY):
        return (
            f"there is not enough memory ({first_line(error)}): choose a smaller --batch-size, "
            "--sequence-length, --hidden-size or --vocab-size."
        )
    if _says(error, _DISK_FULL):
        return f"a file could not be written, the disk seems full: {_free_space()} ({words})"
    if _is_broken_file(error):
        return (
            f"a file that was read is broken or cut off ({words.rstrip(': .')}){_in_output()}: "
            "delete it, or take an undamaged copy, and give the same command again."
        )
    if isinstance(error, ValueError | OSError):
        return str(error) or words
    if is_of_the_network(error):
        return f"the connection failed ({words}); {_again.get()}"
    if isinstance(error, RuntimeError) and re.search(r"requires .+ to be installed", str(error)):
        return str(error)
    return None


def _of_system(error: OSError) -> str:
    """The sentence about an error of the operating system, which names a file or the output."""
    reason = error.strerror or os.strerror(error.errno or 0)
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if name is not None]
    if error.errno in _FULL:
        return f"{reason}: {_free_space(*names)}; make room, and {_again.get()}"
    return f"{reason}: {' -> '.join(names) or _output.get() or os.getcwd()}."


def _of_package(error: ImportError) -> str | None:
    root = (error.name or "").partition(".")[0]
    if root == "hf_apt":
        return None
    if isinstance(error, ModuleNotFoundError) and root:
        return (
            f"the package {root} is missing: install it by `pip install "
            f"{_TO_INSTALL.get(root, root)}`."
        )
    return f"a package is missing, or of an unsuitable version: {error}"


def _free_space(*names: str) -> str:
    """The file or folder that is on the full file system, and how much is free there.

    Where no file is named it is the output folder, unless there is room, and little in the folder
    of temporary files or of downloads.
    """
    if names:
        return f"{names[0]}, on a file system with {_megabytes(_free(Path(names[0])))} free"
    output = _output.get() or Path.cwd()
    others = (Path(tempfile.gettempdir()), _downloads())
    fullest = min((output, *others), key=_free)
    if _free(output) < _ROOM or _free(fullest) >= _ROOM:
        fullest = output
    return f"{fullest}, on a file system with {_megabytes(_free(fullest))} free"


def _downloads() -> Path:
    return Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()


def _free(path: Path) -> int:
    for place in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return 0


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 2**20:,.1f} MiB"


def _nearest_folder(folder: Path) -> Path:
    """`folder`, or the folder that is there in which it would be made."""
    for place in (folder, *folder.absolute().parents):
        try:
            is_folder = place.is_dir() if place.stat() else False
        except FileNotFoundError:
            if place.is_symlink():
                raise ValueError(
                    f"{place} is a link that leads nowhere: choose another --output."
                ) from None
            continue
        except NotADirectoryError:
            continue
        if not is_folder:
            raise ValueError(f"{place} is a file, and a folder is wanted: choose another --output.")
        return place
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))


def _is_broken_file(error: BaseException) -> bool:
    named = type(error).__name__ in _BROKEN_NAMES
    return isinstance(error, _BROKEN) or named or _says(error, _BROKEN_PHRASES)


def _says(error: BaseException, phrases: tuple[str, ...]) -> bool:
    is_known = isinstance(error, Exception) and not isinstance(error, ValueError | OSError)
    return is_known and any(phrase in str(error) for phrase in phrases)


def _in_output() -> str:
    return f", perhaps in {_output.get()}" if _output.get() else ""
