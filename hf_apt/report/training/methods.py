"""In words: objectives and masking law of a pre-training, and how the objectives' terms changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hf_apt.report.formats import short_path


def short_words(config: Mapping[str, Any] | None) -> str:
    """The objectives with their weights and the name of the masking law, as part of a sentence.

    Args:
        config: the configuration of a run, as read from `config.json`; None if there is none.

    Returns:
        The words, without objectives of weight 0; empty for a plain training.

    >>> short_words({"pretrain": {"objectives": [{"name": "r_drop", "weight": 1.0, "more": 2}]}})
    'the objective r_drop (weight 1)'
    """
    objectives, law = _of(config)
    named = [f"{part['name']} (weight {_setting(part.get('weight'))})" for part in objectives]
    parts = [f"the objective{'' if len(named) == 1 else 's'} {listed(named)}"] if named else []
    parts += [f"the masking law {law['name']}"] if law else []
    return (", and " if len(named) > 1 else " and ").join(parts)


def settings(config: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Every setting of each objective and of the masking law, named as on the command line.

    Args:
        config: the configuration of a run, as read from `config.json`; None if there is none.

    Returns:
        For each objective and for the masking law its kind and name, and its settings in one line.
        Objectives of weight 0 and settings without a value are left out. An absolute path is cut to
        its last part; relative paths and Hub ids are whole.

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
    """The first and the last logged value of each term, with their steps.

    Args:
        training: the record of a training, as read from `training.json`; None if there is none.

    Returns:
        For each term its name and its values in words; empty for records without logged terms.

    >>> first, last = {"step": 1, "value": 0.5}, {"step": 60, "value": -0.25}
    >>> terms_logged({"terms": {"r_drop": {"first": first, "last": last}}})
    [('r_drop', 'from 0.5 at step 1 to −0.25 at step 60')]
    """
    terms = (training or {}).get("terms") or {}
    return [(name, _from_to(term["first"], term["last"])) for name, term in terms.items()]


def _of(config: Mapping[str, Any] | None) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The objectives whose weight is not 0, and the masking law."""
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
    """The parts as a list in a sentence, with "and" before the last one.

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
