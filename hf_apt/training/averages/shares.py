"""Shares of an average that configurations name."""

from __future__ import annotations

from typing import Any


def require_share_or_end(config: Any, *names: str) -> None:
    """Raise ValueError unless these fields of `config` are numbers from 0 to 1, with both ends."""
    for name in names:
        value = getattr(config, name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and 0 <= value <= 1):
            raise ValueError(
                f"the {name} of {config.name} is {value!r}: give a number from 0 to 1."
            )
