"""Arms of a comparison as the examples' `--arms` spell them: `NAME=OPTIONS`."""

from __future__ import annotations

from collections.abc import Sequence


def named_arms(arms: Sequence[str]) -> dict[str, str]:
    """The options of each arm by its name, in the order given; `plain=` has none.

    Raises ValueError for an arm without a name or without the sign, and for two of one name.

    >>> named_arms(["plain=", "focal=--loss focal:gamma=2"])
    {'plain': '', 'focal': '--loss focal:gamma=2'}
    """
    named: dict[str, str] = {}
    for arm in arms:
        name, equals, options = arm.partition("=")
        if not name or not equals or name.startswith("-"):
            raise ValueError(f"{arm!r} is no arm: write NAME=OPTIONS, or NAME= for one without.")
        if name in named:
            raise ValueError(f"two arms are called {name}: give each a name of its own.")
        named[name] = options
    return named
