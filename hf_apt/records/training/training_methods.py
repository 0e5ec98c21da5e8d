"""What a fine-tuning had beside its settings: a loss, objectives, methods; read from its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KEYS = ("loss", "objectives", "methods", "sampler")
"""The keys of a fine-tuning's configuration that say by what method it was."""

PLAIN = "plain"
"""What a fine-tuning is called that has none of these."""


def method_label(finetune: Mapping[str, Any] | None) -> str:
    """The names of loss, objectives and methods of a fine-tuning, with their weights.

    >>> method_label({"loss": None, "objectives": [{"name": "r_drop", "weight": 1.0}]})
    'r_drop weight=1'
    >>> method_label({"num_epochs": 3})
    'plain'
    """
    return _label(_parts(finetune), {"weight"})


def method_labels(finetunes: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """A label for each fine-tuning, with those settings in which two of one name differ.

    >>> focal = [{"loss": {"name": "focal", "gamma": gamma}} for gamma in (1.0, 2.0)]
    >>> method_labels([None, *focal])
    ['plain', 'focal gamma=1', 'focal gamma=2']
    """
    parts = [_parts(finetune) for finetune in finetunes]
    settings: dict[str, dict[str, set[str]]] = {}
    for part in (part for of_one in parts for part in of_one):
        for key, value in part.items():
            settings.setdefault(part["name"], {}).setdefault(key, set()).add(_value(value))
    differing = {
        name: {key for key, values in keys.items() if len(values) > 1}
        for name, keys in settings.items()
    }
    return [
        " + ".join(_one(part, differing[part["name"]]) for part in of_one) or PLAIN
        for of_one in parts
    ]


def _parts(finetune: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Loss, objectives and methods as they stand in the record, and a dropout that was asked for.

    Those of no weight are left out.
    """
    parts: list[Mapping[str, Any]] = []
    for key in KEYS:
        value = (finetune or {}).get(key)
        if not value:
            continue
        if isinstance(value, str):
            value = {"name": value}
        parts += [value] if isinstance(value, Mapping) else list(value)
    dropout = (finetune or {}).get("dropout")
    if dropout is not None:
        parts.append({"name": f"dropout {dropout:g}"})
    return [part for part in parts if part.get("weight") != 0 and part.get("strength") != 0]


def _label(parts: Sequence[Mapping[str, Any]], keys: set[str]) -> str:
    return " + ".join(_one(part, keys) for part in parts) or PLAIN


def _one(part: Mapping[str, Any], keys: set[str]) -> str:
    said = [f"{key}={_value(part[key])}" for key in part if key in keys - {"name"}]
    return " ".join([part["name"], ",".join(said)]).strip()


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "/".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
