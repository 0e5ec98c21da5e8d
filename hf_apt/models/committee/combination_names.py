"""The ways in which a committee's members become one answer, by name."""

from __future__ import annotations

from typing import Literal, get_args

Combination = Literal["mean_softmax", "mean_logits", "majority"]
"""`mean_softmax`: the mean of the members' probabilities. `mean_logits`: the mean of their logits.
`majority`: each member votes for its most probable class."""


COMBINATIONS: tuple[Combination, ...] = get_args(Combination)


def require_combination(combination: str) -> None:
    """Raise ValueError unless `combination` is one of `COMBINATIONS`."""
    if combination not in COMBINATIONS:
        raise ValueError(
            f"no combination is called {combination!r}: choose one of {', '.join(COMBINATIONS)}."
        )
