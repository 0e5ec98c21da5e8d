"""Whether what describes a run's tokens is as it was written: `fingerprints.json` in its folder."""

from __future__ import annotations

import json
from pathlib import Path

from hf_apt.atomic import writing
from hf_apt.reading import read_json
from hf_apt.records.fingerprints import content_fingerprint, file_fingerprint

NAME = "fingerprints.json"
"""Name of the file that holds the fingerprints by the names of the files."""
_OF_TOKENS = ("vocabulary.json", "frequency.npy", "planted.npy")


def write_fingerprints(folder: Path) -> None:
    """Write the fingerprints of those of the files that are in `folder`."""
    for leftover in folder.glob(f".{NAME}.*"):  # of a process that was killed as it wrote
        leftover.unlink(missing_ok=True)
    made = [name for name in _OF_TOKENS if (folder / name).exists()]
    with writing(folder / NAME) as file:
        json.dump({name: _fingerprint(folder / name) for name in made}, file, indent=1)


def require_unchanged(folder: Path, *names: str) -> None:
    """Raise ValueError, with the file's name, if a file in `folder` is not as it was written.

    No `names` stand for all files whose fingerprints were written. Other files are taken as they
    are, and so are all where there are no fingerprints.
    """
    written = read_json(folder / NAME) if (folder / NAME).exists() else {}
    if not isinstance(written, dict):
        raise ValueError(f"{folder / NAME} holds no JSON object: delete it.")
    for name in names or written:
        path = folder / name
        now = _fingerprint(path) if path.exists() else None
        if name in written and now != written[name]:
            raise ValueError(
                f"{path} {'was changed' if now else 'is missing'}: restore it, or delete "
                "frequency.npy and give the command again."
            )


def _fingerprint(path: Path) -> str:
    return (content_fingerprint if path.suffix == ".json" else file_fingerprint)(path)
