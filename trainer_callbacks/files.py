"""Where callbacks leave their tables: `<output_dir>/<folder>/<prefix>-step-<step>.<kind>`."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepFiles:
    """The step-numbered files of one callback."""

    folder: Path
    """The folder that the files are in."""

    def path(self, prefix: str, step: int, kind: str) -> Path:
        """The file of one measurement: `prefix` names the data, `kind` is the ending."""
        return self.folder / f"{prefix}-step-{step:08}.{kind}"

    def steps(self, prefix: str = "eval", kind: str = "json") -> list[int]:
        """The steps that have a file, ascending."""
        paths = self.folder.glob(f"{prefix}-step-*.{kind}")
        return sorted(step for path in paths if (step := _step(path)) is not None)

    def begin(self, step: int) -> None:
        """Make the folder, and drop files of steps after `step`, from which training goes on, and
        what a killed process left of a file.

        Raises ValueError if files cannot be written here.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            trial = self.folder / ".writable"
            trial.touch()
            trial.unlink()
            for path in self.folder.rglob("*-step-*"):
                of_step = _step(path)
                if path.name.startswith(".") or (of_step is not None and of_step > step):
                    path.unlink()
        except OSError as error:
            raise ValueError(
                f"nothing can be written to {self.folder} ({error.strerror}): choose another "
                "output_dir."
            ) from error


@contextmanager
def warned_of(folder: Path) -> Iterator[None]:
    """Within the block, what cannot be written is a warning: training goes on without it."""
    try:
        yield
    except Exception as error:  # files, tokenizers and trackers can fail in any way
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        _logger.warning("nothing was written to %s: %s.", folder, reason)


def _step(path: Path) -> int | None:
    match = re.search(r"-step-(\d{8,})\.[a-z]+$", path.name)
    return int(match[1]) if match else None
