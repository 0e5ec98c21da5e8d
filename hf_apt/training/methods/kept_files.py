"""The files that methods of a training have written, kept where the trained model is."""

from __future__ import annotations

import shutil
from pathlib import Path

_PATTERNS = ("*.npz", "*.png")


def keep_files(training: Path, folder: Path) -> list[Path]:
    """Copies in `folder`, which is made if need be, of what methods wrote to the Trainer's folder.

    None where they have written nothing.
    """
    made = []
    for path in sorted(each for pattern in _PATTERNS for each in training.glob(pattern)):
        folder.mkdir(parents=True, exist_ok=True)
        made.append(Path(shutil.copy(path, folder)))
    return made
