"""Tokens that a model was asked often and never answered right, as callbacks write them."""

from __future__ import annotations

from typing import Any

from hf_apt.depths.decoded import DecodedTotal
from hf_apt.stats.apt import ASKED_OFTEN, never_right


def never_right_at_last(total: DecodedTotal) -> list[int] | None:
    """Ids of tokens never right after the last block, most asked first; None without answers."""
    if total.unanswered_D[-1]:
        return None
    counts = total.readout.counts
    return never_right(counts.hits()[-1], counts.support(), min_support=ASKED_OFTEN).tolist()


def never_right_entry(total: DecodedTotal, tokenizer: Any) -> dict[str, Any]:
    """For JSON: `min_support`, `ids`, `support` and, where there is a tokenizer, `words`.

    None where answers are missing.
    """
    ids = never_right_at_last(total)
    support = None if ids is None else total.readout.counts.support()[ids].tolist()
    entry = {"min_support": ASKED_OFTEN, "ids": ids, "support": support}
    convert = getattr(tokenizer, "convert_ids_to_tokens", None)
    return entry if convert is None else entry | {"words": None if ids is None else convert(ids)}
