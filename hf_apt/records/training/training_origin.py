"""Where the weights of a training are from, as its record says: fresh, carried over, or whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hf_apt.records.checkpoints import checkpoint_path, name_and_commit


def origin_of(training: Mapping[str, Any] | None) -> str:
    """What a training started from, in words; empty for fresh weights and where nothing is known.

    Folders are named by their last part alone.

    >>> origin_of({"num_steps": 1, "started": {"checkpoint": "owner/bert"}})
    'from all weights of owner/bert'
    """
    training = training or {}
    if started := training.get("started"):
        return f"from all weights of {_shown(started['checkpoint'])}"
    if carried := training.get("carried"):
        numbers = ", ".join(map(str, carried["blocks"]))
        part = {"whole": "", "attention": "the attention of "}.get(
            carried["parts"], "the feed-forward layers of "
        )
        return f"from {part}blocks {numbers} of {_shown(carried['checkpoint'])}"
    return ""


def base_on_hub(training: Mapping[str, Any] | None) -> str | None:
    """The Hub id of the checkpoint that a training went on from; None for any other."""
    name = ((training or {}).get("started") or {}).get("checkpoint")
    if name is None or _is_folder(name):
        return None
    return name_and_commit(name)[0] if "/" in name else None


def _shown(name: str) -> str:
    return Path(name).name if _is_folder(name) else name


def _is_folder(name: str) -> bool:
    path = Path(name).expanduser()
    is_local = path.is_absolute() or len(path.parts) > 2 or name.startswith((".", "~"))
    return is_local or (path.is_dir() and checkpoint_path(name) == name)
