"""What a command prints: tables, or one JSON object for other programs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Literal

OutputFormat = Literal["table", "json"]
"""Tables for people, or one JSON object for programs."""

_format: ContextVar[OutputFormat] = ContextVar("format", default="table")


def choose_format(name: OutputFormat) -> None:
    """Print in this form from now on."""
    _format.set(name)


def is_json() -> bool:
    """Whether standard output is for one JSON object; all else that is said goes beside it."""
    return _format.get() == "json"


def print_json(record: Any) -> None:
    """Print a command's record as one JSON object, NaN and infinity as null."""
    print(json.dumps(as_json(record), ensure_ascii=False, indent=1))  # noqa: T201


def as_json(record: Any) -> Any:
    """What JSON can hold of a record: of an object its own `record`, or its fields by name."""
    if (own := getattr(record, "record", None)) is not None:
        return as_json(own() if callable(own) else own)
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        fields = dataclasses.fields(record)
        return {each.name: as_json(getattr(record, each.name)) for each in fields}
    if isinstance(record, Mapping):
        return {str(key): as_json(value) for key, value in record.items()}
    if (values := getattr(record, "tolist", None)) is not None:  # arrays and their numbers
        return as_json(values())
    if isinstance(record, float):
        return record if math.isfinite(record) else None
    if record is None or isinstance(record, (str, int)):
        return record
    return [as_json(each) for each in record] if isinstance(record, Iterable) else str(record)
