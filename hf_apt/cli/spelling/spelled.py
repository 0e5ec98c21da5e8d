"""Parts of a training as the command line spells them: `name:key=value,key=value`, one an option.

What can be spelled is a frozen dataclass. Its fields are the keys, but for those that its
constructor does not take; a field without a default has to be given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Literal, get_args, get_origin

from hf_apt.cli.dataclass_options import annotation_of

_TRUTH = {"true": True, "false": False}


def spelled(text: str, known: Mapping[str, type[Any]], kind: str) -> Any:
    """What `name:key=value,key=value` spells.

    Args:
        text: what the option was given.
        known: frozen dataclasses by the names under which they are asked for. Their fields are
            numbers, whole numbers (one, or one or more as in 8/16), texts, truth values or a choice
            of texts (Literal).
        kind: what they are called in sentences, "objective".

    Raises:
        ValueError: for a name or key that there is not, a value that cannot be read or used, and a
            key that is missing.
    """
    name, _, rest = text.partition(":")
    if name not in known:
        raise ValueError(f"there is no {kind} {name!r}: there are {', '.join(known)}.")
    made = known[name]
    keys = {field.name: field for field in fields(made) if field.init}
    example = _example(name, made, keys)
    values: dict[str, Any] = {}
    for part in rest.split(",") if rest else ():
        key, equals, value = part.partition("=")
        if not equals or key not in keys or key in values:
            there_are = f"there are {', '.join(keys)}, each once, as in {example}"
            raise ValueError(
                f"{part!r} in {text!r} is no setting of {name}: "
                f"{there_are if keys else 'it has none'}."
            )
        values[key] = _read(value, annotation_of(made, key), f"the {key} of {name}", example)
    for key, field in keys.items():
        if _is_needed(field) and key not in values:
            raise ValueError(f"{text!r} has no {key}: write {example}.")
    return made(**values)


def _read(value: str, annotation: Any, what: str, example: str) -> Any:
    """`value` as a field of this annotation has it; `what` it is, for the sentence if it is not."""
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        if value not in choices:
            raise ValueError(f"{what} is {value!r}: give one of {', '.join(choices)}.")
        return value
    if annotation is bool:
        if value not in _TRUTH:
            raise ValueError(f"{what} is {value!r}: give true or false.")
        return _TRUTH[value]
    if annotation == int | tuple[int, ...]:
        read, wanted = _one_or_more, "a whole number, or several as 8/16"
    else:
        read, wanted = _NUMBERS.get(annotation, (str, ""))
    try:
        return read(value)
    except ValueError:
        raise ValueError(f"{what} is {value!r}: give {wanted}, as in {example}.") from None


def _one_or_more(text: str) -> int | tuple[int, ...]:
    first, *others = map(int, text.split("/"))
    return (first, *others) if others else first


_NUMBERS: dict[type, tuple[Callable[[str], Any], str]] = {
    float: (float, "a number"),
    int: (int, "a whole number"),
}
"""How numbers are read, and what they are called."""


def _is_needed(field: Field) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _example(name: str, made: type[Any], keys: Mapping[str, Field]) -> str:
    """How `name` is spelled with those keys that have to be given, or else with the first one."""
    needed = [key for key, field in keys.items() if _is_needed(field)] or [*keys][:1]
    values = ",".join(f"{key}={_some(annotation_of(made, key))}" for key in needed)
    return f"{name}:{values}" if values else name


def _some(annotation: Any) -> str:
    """A value of a field with this annotation."""
    if get_origin(annotation) is Literal:
        return str(get_args(annotation)[0])
    return {bool: "true", str: "text", float: "1"}.get(annotation, "8")
