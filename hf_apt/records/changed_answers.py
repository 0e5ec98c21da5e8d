"""What `model.json` says of answers that bfloat16 changed, in words."""

from __future__ import annotations

from typing import Any

KEY = "changed_by_bfloat16"
"""Where a measured model's description holds the counts of each readout; it is there only where the
trunk multiplied in bfloat16."""


def changed_sentence(name: str, counts: dict[str, Any]) -> str:
    """One sentence on what the lower precision changed, at the depth where it changed most.

    `counts` has `num_positions` and, by depth, `changed`, `hits` and `hits_in_float32`.
    """
    num = counts["num_positions"]
    if not num:
        return f"{name}: the trunk multiplied in bfloat16, compared with float32 at no position."
    changed, hits, exact = (counts[key] for key in ("changed", "hits", "hits_in_float32"))
    depth = max(range(len(changed)), key=lambda depth: changed[depth])
    return (
        f"{name}: the trunk multiplied in bfloat16, which changes {changed[depth] / num:.2%} of "
        f"answers at depth {depth}, where most change, and hits from {exact[depth]:,} to "
        f"{hits[depth]:,} ({num:,} positions were read in float32 as well)."
    )


def changed_sentences(model: dict[str, Any] | None) -> list[str]:
    """A sentence for each readout of a measurement in bfloat16; none of one in float32."""
    return [
        changed_sentence(name, counts) for name, counts in ((model or {}).get(KEY) or {}).items()
    ]
