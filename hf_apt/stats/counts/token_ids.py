"""Which numbers are token ids."""

from __future__ import annotations

import numpy as np


def refuse_outside(name: str, ids: np.ndarray, num: int) -> None:
    """Raise ValueError unless all `ids`, called `name`, are whole numbers from 0 to num - 1."""
    if ids.size == 0:
        return
    if ids.dtype.kind not in "iu":
        raise ValueError(f"{name}s are of {ids.dtype}: give whole numbers.")
    # Read as unsigned, a negative id is larger than all that its type holds.
    if ids.dtype.kind == "i" and num <= np.iinfo(ids.dtype).max + 1:
        if ids.view(ids.dtype.str.replace("i", "u")).max() < num:
            return
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= num:
        wrong = low if low < 0 else high
        raise ValueError(f"{name} {wrong} is outside 0 to {num - 1}.")
