"""Whether counts and measures hold the numbers that were measured: `measures/<readout>.json`.

A file can be whole, keep every law of its own, and hold other numbers than its run measured: edited
by a script, or put there from another run. Its content is therefore compared with the fingerprint
that was written beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hf_apt.atomic import writing
from hf_apt.reading import read_json
from hf_apt.records.fingerprints import counts_fingerprint
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.readout import Readout

COUNTS = "counts"
"""Under what name the fingerprint of the counts is kept, beside those of the measures."""


def write_fingerprints(path: Path, readout: Readout) -> None:
    """Write the fingerprints of a readout's counts and measures to `path`, by their names."""
    prints = {COUNTS: counts_fingerprint(readout.counts)} | {
        measure.name: _of_arrays(measure.arrays()) for measure in readout.measures.values()
    }
    with writing(path) as file:
        json.dump(prints, file, indent=1)
        file.write("\n")


def require_as_measured(
    path: Path, name: str, content: DepthCounts | Mapping[str, np.ndarray], file: Path
) -> None:
    """Raise ValueError, with its name, unless `file` holds what was measured.

    `path` is the file of the fingerprints, `name` that of a measure, or `COUNTS`, and `content`
    what was read from `file`. Without a fingerprint the content is taken as it is.
    """
    prints = read_json(path) if path.exists() else {}
    if not isinstance(prints, dict):
        raise ValueError(f"{path} holds no JSON object: delete it.")
    if name not in prints:
        return
    is_counts = isinstance(content, DepthCounts)
    now = counts_fingerprint(content) if is_counts else _of_arrays(content)
    if now != prints[name]:
        raise ValueError(
            f"{file} holds other numbers than were measured ({path.name} beside the measures): "
            "restore it, or delete it and measure again."
        )


def _of_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
