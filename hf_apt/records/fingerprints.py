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
    folder = Path(checkpoint_path(checkpoint))
    for pattern in (
        *("model.safetensors", "adapter_model.safetensors", "model-*.safetensors"),
        *("pytorch_model.bin", "pytorch_model-*.bin"),
    ):
        prints = [file_fingerprint(path) for path in sorted(folder.glob(pattern))]
        if prints:
            together = hashlib.sha256("\n".join(prints).encode()).hexdigest()[:16]
            return prints[0] if len(prints) == 1 else together
    return None
