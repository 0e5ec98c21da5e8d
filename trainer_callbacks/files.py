"""Where callbacks leave their tables: `<output_dir>/<folder>/<prefix>-step-<step>.<kind>`.

A hidden list in the folder, `.files.json`, holds the names of all files that callbacks wrote there.
Only these are ever replaced or dropped: whatever else is in the folder is somebody else's.
"""

from __future__ import annotations

import glob
import json
import logging
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hf_apt.atomic import writing

_logger = logging.getLogger(__name__)

_MANIFEST = ".files.json"


@dataclass(frozen=True)
class StepFiles:
    """The step-numbered files of one callback."""

    folder: Path
    """The folder that the files are in."""

    def path(self, prefix: str, step: int, kind: str) -> Path:
        """The file of one measurement: `prefix` names the data, `kind` is the ending."""
        return self.folder / f"{prefix}-step-{step:08}.{kind}"

    def claimed(self, prefix: str, step: int, kind: str) -> Path:
        """`path`, entered in the folder's list as a file of ours, and ready to be written.

        Raises ValueError if a file of somebody else's is there, or if the path leads out of the
        folder; OSError if the list cannot be written.
        """
        path = self.path(prefix, step, kind)
        name = path.relative_to(self.folder).as_posix() if self.folder in path.parents else ""
        if not _is_ours_to_name(name):
            raise ValueError(f"{path} leads out of {self.folder}: choose another name for the data")
        ours = self._ours()
        if name not in ours:
            if path.exists() or path.is_symlink():
                raise ValueError(f"{path} was there before and is kept: move it elsewhere")
            self._enter(ours | {name})
        return path

    def steps(self, prefix: str = "eval", kind: str = "json") -> list[int]:
        """The steps that have a file, ascending."""
        paths = self.folder.glob(f"{glob.escape(prefix)}-step-*.{kind}")
        numbered = [(step, path) for path in paths if (step := _step(path.name)) is not None]
        return sorted(step for step, path in numbered if path == self.path(prefix, step, kind))

    def begin(self, step: int) -> None:
        """Make the folder, and drop our files of steps after `step`, from which training goes on.

        What a killed process left of a file of ours is dropped, too. Raises ValueError if files
        cannot be written here.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
            ours = self._ours()
            for name in (*ours, _MANIFEST):
                for path in self._leftovers(name):
                    path.unlink()
            dropped = {name for name in ours if (_step(name) or 0) > step}
            for name in dropped:
                (self.folder / name).unlink(missing_ok=True)
            kept = {name for name in ours - dropped if (self.folder / name).is_file()}
            if kept != ours:
                self._enter(kept)
        except OSError as error:
            raise ValueError(
                f"nothing can be written to {self.folder} ({error.strerror}): choose another "
                "output_dir."
            ) from error

    def _ours(self) -> set[str]:
        """The names of the files that callbacks wrote here; none where the list is no list."""
        path = self.folder / _MANIFEST
        try:
            names = json.loads(path.read_text(encoding="utf-8"))["files"]
            return {name for name in names if _is_ours_to_name(name)}
        except FileNotFoundError:
            return set()
        except (ValueError, TypeError, KeyError):
            _logger.warning("%s cannot be read: files written here before are left alone.", path)
            return set()

    def _enter(self, names: Iterable[str]) -> None:
        with writing(self.folder / _MANIFEST) as file:
            file.write(json.dumps({"files": sorted(names)}, indent=0))

    def _leftovers(self, name: str) -> list[Path]:
        """What `hf_apt.atomic.writing` leaves of a file if its process is killed."""
        path = self.folder / name
        if not path.parent.is_dir():
            return []
        leftover = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")
        return [each for each in path.parent.iterdir() if leftover.fullmatch(each.name)]


@contextmanager
def warned_of(folder: Path) -> Iterator[None]:
    """Within the block, what cannot be written is a warning: training goes on without it."""
    try:
        yield
    except Exception as error:  # files, tokenizers and trackers can fail in any way
        said = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        reason = getattr(error, "strerror", None) or said
        _logger.warning("nothing was written to %s: %s.", folder, reason)


def _is_ours_to_name(name: str) -> bool:
    """Whether a name, relative to the folder, is one that a callback may have given."""
    path = PurePosixPath(name)
    return _step(name) is not None and not path.is_absolute() and ".." not in path.parts


def _step(name: str) -> int | None:
    match = re.search(r"-step-(\d{8,})\.[a-z]+$", name)
    return int(match[1]) if match else None
