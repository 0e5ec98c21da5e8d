"""Whether two passes of a model differ by their dropout."""

from __future__ import annotations

from typing import Any


def has_dropout(model: Any) -> bool:
    """Whether anything in `model`, or in its configuration, is called dropout and is above 0."""
    modules = [each for each in model.modules() if "dropout" in type(each).__name__.lower()]
    if any(getattr(each, "p", 1) > 0 for each in modules):
        return True
    settings = getattr(getattr(model, "config", None), "to_dict", dict)()
    return any(
        isinstance(value, float) and value > 0 for name, value in settings.items() if "drop" in name
    )
