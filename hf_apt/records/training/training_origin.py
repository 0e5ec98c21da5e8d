"""Where the weights of a training are from, as its record says: fresh, carried over, or whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hf_apt.records.checkpoints import name_and_commit, run_name


def origin_of(training: Mapping[str, Any] | None) -> str:
    """What a training started from, in words; empty for fresh weights and where nothing is known.

    Folders are named as runs are, without where they lie.

    >>> origin_of({"num_steps": 1, "started": {"checkpoint": "runs/wiki/checkpoint"}})
    'from all weights of wiki'
    """
    training = training or {}
    if started := training.get("started"):
        return f"from all weights of {_shown(started)}"
    if carried := training.get("carried"):
        numbers = ", ".join(map(str, carried["blocks"]))
        blocks = f"block{'' if len(carried['blocks']) == 1 else 's'} {numbers}"
        part = {"whole": "", "attention": "the attention of "}.get(
            carried["parts"], "the feed-forward layers of "
        )
        return f"from {part}{blocks} of {_shown(carried)}"
    return ""


def base_on_hub(training: Mapping[str, Any] | None) -> str | None:
    """The Hub id of the checkpoint that a training went on from; None for any other.

    One of the Hub has a commit on record.
    """
    started = (training or {}).get("started") or {}
    return name_and_commit(started["checkpoint"])[0] if "revision" in started else None


def _shown(origin: Mapping[str, Any]) -> str:
    name = origin["checkpoint"]
    return name if "revision" in origin else run_name(name)
