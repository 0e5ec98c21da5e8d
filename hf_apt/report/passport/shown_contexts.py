"""Stretches of text in which tokens stand, in the form that the page's script reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from hf_apt.records.token_contexts import Stretch
from hf_apt.report.formats import shown_token

CONTEXT_BYTES = 80_000
"""Space of the page for stretches of text, about."""

PlainContext = tuple[str, list[int]]
"""The pieces of a stretch, joined by tabs, and the number of each token; -1 for none."""


def shown_contexts(
    stretches: Sequence[Stretch],
    numbers: Callable[[Sequence[int]], list[int]],
    max_bytes: int = CONTEXT_BYTES,
) -> list[PlainContext]:
    """The first stretches, as many as there is space for.

    `numbers` gives the numbers of token ids on the page. Tabs of the text are shown as pictures, so
    that those between pieces are the only ones.
    """
    shown: list[PlainContext] = []
    for stretch in stretches:
        text = "\t".join(shown_token(piece) for piece in stretch["pieces"])
        context = (text, numbers(stretch["ids"]))
        max_bytes -= len(json.dumps(context, separators=(",", ":"))) + 1
        if max_bytes < 0:
            break
        shown.append(context)
    return shown
