"""How many bytes a page has for its look-up of tokens, and how many tokens that is."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

PAGE_BYTES = 940_000
"""Space for the page. What the rest leaves is for tokens, and for readouts while there is room; the
first readout is always in."""
NAME_BYTES = 25
"""What a token takes, about, with its id and its numbers of occurrences; three more for its hits at
each depth."""


def room_of(num_depths: int, shown: list[str], num_tasks: int, *, is_planted: bool) -> int:
    """Bytes that the page has for its look-up, beside its figures, about; never too few to serve.

    Style, script and tables take 172 kB, the figures of a readout 20 kB for each depth, 21 with
    planted classes, 12 of the untrained twin, and those of a task 120 kB.
    """
    by_depth = 21_000 if is_planted else 20_000
    figures = sum(12_000 if name == "untrained" else by_depth for name in shown) * num_depths
    others = 172_000 + figures + 120_000 * num_tasks
    return max(PAGE_BYTES - others, 150_000)


def most_listed(support_V: Int[np.ndarray, " vocab"], num_depths: int, room: int) -> int:
    """How many of the most asked tokens are listed.

    All where they take two thirds of the room at most. Else two fifths of it: those that are left
    out are mentioned, too.
    """
    of_token = NAME_BYTES + 3 * num_depths
    num_asked = int(np.count_nonzero(support_V))
    return num_asked if num_asked * of_token <= room * 2 // 3 else room * 2 // 5 // of_token
