"""FewRel (Han et al. 2018): sentences with two entities; the class is the relation between them.

Instances come in three shapes: `{"tokens", "h": [name, id, [[indices]]], "t": ...}` in the raw JSON
(a dictionary from relation to instances), `{"tokens", "head": {"indices": [[...]]}, ...}` on the
Hub, and flat columns `tokens`, `head_pos`, `tail_pos`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MARKERS = (("[E1]", "[/E1]"), ("[E2]", "[/E2]"))
"""Marks put before and after the head and the tail."""


def is_raw(content: Any) -> bool:
    """Whether parsed JSON is FewRel's own: relation -> instances with tokens."""
    return (
        isinstance(content, dict)
        and len(content) > 0
        and all(isinstance(instances, list) for instances in content.values())
        and all(
            isinstance(instance, dict) and "tokens" in instance
            for instances in content.values()
            for instance in instances[:1]
        )
    )


def sentence(instance: Mapping[str, Any], *, markers: bool = False) -> str:
    """The tokens of an instance joined by spaces, with its entities marked if asked for.

    Raises ValueError where entities are to be marked and their indices are not given.

    >>> instance = {"tokens": ["Ann", "met", "Bob", "."], "h": ["ann", "Q1", [[0]]],
    ...             "t": ["bob", "Q2", [[2]]]}
    >>> sentence(instance, markers=True)
    '[E1] Ann [/E1] met [E2] Bob [/E2] .'
    """
    tokens = list(instance["tokens"])
    if not markers:
        return " ".join(tokens)
    before, after = [[] for _ in tokens], [[] for _ in tokens]
    for (opening, closing), keys in zip(
        MARKERS, (("h", "head", "head_pos"), ("t", "tail", "tail_pos")), strict=True
    ):
        indices = _indices(instance, *keys)
        if not indices or not 0 <= min(indices) <= max(indices) < len(tokens):
            raise ValueError(
                f"the instance {' '.join(tokens)[:60]!r} does not say where its entities are: "
                "it cannot be marked."
            )
        before[min(indices)].append(opening)
        after[max(indices)].insert(0, closing)  # what was opened last is closed first
    words = zip(before, tokens, after, strict=True)
    return " ".join(word for start, token, end in words for word in [*start, token, *end])


def _indices(instance: Mapping[str, Any], raw: str, hub: str, flat: str) -> list[int]:
    """The token indices of an entity's first mention."""
    if instance.get(raw) is not None:
        return list(instance[raw][2][0])
    if isinstance(instance.get(hub), Mapping):
        return list(instance[hub]["indices"][0])
    return list(instance.get(flat) or [])
