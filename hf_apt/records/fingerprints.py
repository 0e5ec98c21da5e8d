"""Fingerprints of files and of a checkpoint's weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hf_apt.records.checkpoints import checkpoint_path


def file_fingerprint(path: Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def weights_fingerprint(checkpoint: str) -> str | None:
    """The fingerprint of a checkpoint's weights; None if they are not in a local folder."""
    for name in ("model.safetensors", "adapter_model.safetensors"):
        path = Path(checkpoint_path(checkpoint)) / name
        if path.exists():
            return file_fingerprint(path)
    return None
