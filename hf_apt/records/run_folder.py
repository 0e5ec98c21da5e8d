"""A run's folder while it is written: marked as a run's, by one process at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hf_apt.ownership import LOCK, mark, one_writer, require_ours
from hf_apt.records.run import Run

_KIND = "run"


@contextmanager
def writing_run(run: Run) -> Iterator[None]:
    """Within the block this process alone writes into the run's folder, which is made and marked.

    It may be entered again inside the block. Raises ValueError, before a byte is written, if the
    folder holds files of somebody else's (`hf_apt.ownership.require_ours`) or another process
    writes into it.
    """
    require_run_folder(run)
    with one_writer(run.folder / LOCK, run.folder):
        require_run_folder(run)
        mark(run.folder, _KIND)
        yield


def require_run_folder(run: Run) -> None:
    """Raise ValueError unless the folder is a run's, empty, or not there yet."""
    require_ours(run.folder, _KIND, is_older=_is_older_run)


def _is_older_run(folder: Path) -> bool:
    """Whether `folder` is a run's from before there were markers: its configuration tells."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and {"corpus", "pretrain", "measure"} <= set(config)
