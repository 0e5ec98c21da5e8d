"""The objectives and the masking law of a pre-training, and how their terms went, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hf_apt.report.formats import short_path


def short_words(config: Mapping[str, Any] | None) -> str:
    """Objectives with their weights, and the masking law by name; empty where there are none.

    Args:
        config: the configuration of a run, as `config.json` has it.

    >>> short_words({"pretrain": {"objectives": [{"name": "r_drop", "weight": 1.0, "more": 2}]}})
    'the objective r_drop (weight 1)'
    """
    objectives, law = _of(config)
    named = [f"{part['name']} (weight {_setting(part.get('weight'))})" for part in objectives]
    parts = [f"the objective{'' if len(named) == 1 else 's'} {listed(named)}"] if named else []
    parts += [f"the masking law {law['name']}"] if law else []
    return (", and " if len(named) > 1 else " and ").join(parts)


def settings(config: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Each objective and the masking law, with all its settings as the command line names them.

    Objectives of weight 0 and settings without a value are left out. Paths are shown as anywhere on
    the page: an absolute one by its last part, a relative one and a Hub id whole.

    >>> settings({"pretrain": {"masking_law": {"name": "frequency", "exponent": 0.5, "most": 1.0}}})
    [('masking law frequency', 'exponent 0.5, most 1')]
    """
    objectives, law = _of(config)
    parts = [("objective", part) for part in objectives]
    parts += [("masking law", law)] if law else []
    return [
        (
            f"{kind} {part['name']}",
            ", ".join(
                f"{name} {_setting(value)}"
                for name, value in part.items()
                if name != "name" and value not in (None, "")
            )
            or "no settings",
        )
        for kind, part in parts
    ]


def terms_logged(training: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What each term was at its first and last logging; nothing where that is not on record.

    Args:
        training: the record of a training, as `training.json` has it.

    >>> first, last = {"step": 1, "value": 0.5}, {"step": 60, "value": -0.25}
    >>> terms_logged({"terms": {"r_drop": {"first": first, "last": last}}})
    [('r_drop', 'from 0.5 at step 1 to −0.25 at step 60')]
    """
    terms = (training or {}).get("terms") or {}
    return [(name, _from_to(term["first"], term["last"])) for name, term in terms.items()]


def _of(config: Mapping[str, Any] | None) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The objectives that were at work, and the masking law."""
    pretrain = (config or {}).get("pretrain") or {}
    objectives = [part for part in pretrain.get("objectives") or () if part.get("weight") != 0]
    return objectives, pretrain.get("masking_law")


def _from_to(first: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    if first["step"] == last["step"]:
        return _logged(last)
    return f"from {_logged(first)} to {_logged(last)}"


def _logged(value: Mapping[str, Any]) -> str:
    figure = f"{value['value']:.4g}".replace("-", "−")
    return f"{figure} at step {value['step']:,}"


def listed(parts: Sequence[object]) -> str:
    """One after the other, the last one after "and".

    >>> listed([1, 2, 3]), listed(["a"])
    ('1, 2 and 3', 'a')
    """
    words = [*map(str, parts)]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return "/".join(map(_setting, value)) or "none"
    return short_path(str(value))
