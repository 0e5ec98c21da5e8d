"""A run's folder as several machines see it: on a file system that they share, with some delay."""

from __future__ import annotations

import os
import time
from pathlib import Path


def wait_until_there(path: Path, *, seconds: float = 60.0) -> None:
    """Wait for a file that another process has written, until this machine sees it, too.

    A network file system shows a new file late: NFS, left as it is, after 60 seconds at most.

    Raises ValueError if it is not there after `seconds`.
    """
    end = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > end:
            raise ValueError(
                f"the main process has written {path}, which is not on this machine: give an "
                "--output on a file system that all machines share."
            )
        if path.parent.is_dir():
            os.listdir(path.parent)  # to open a folder makes NFS ask again what is in it
        time.sleep(min(0.2, seconds / 10))
