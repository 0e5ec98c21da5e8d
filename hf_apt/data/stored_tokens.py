"""The laws that tokenised sequences keep on disk, tried when they are opened.

Of ids that fill more than 1 GiB only parts are read for it (`hf_apt.data.text_fingerprints`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args

import numpy as np

from hf_apt.data.sequences import Layout
from hf_apt.data.text_counts import TextCounts
from hf_apt.data.text_fingerprints import files_fingerprint
from hf_apt.data.token_sources.place_files import FILES, SHARDS
from hf_apt.data.token_sources.placed_ids import PlacedIds
from hf_apt.reading import read_array, read_json

_NUMBERS = ("vocab_size", "sequence_length", "num_sequences", "num_tokens")
_IDS = ("pad_id", "mask_id")
_TEXT = "text.json"
"""What was read of the text; folders made before have none."""
_CONTENT = "fingerprints"
"""Key of the description under which the fingerprints are; folders made before have none."""


def write_description(folder: Path, content: Mapping[str, Any]) -> None:
    """Write `folder/description.json`, with fingerprints of itself and of the other two files."""
    prints = {"description.json": _of_description(content)} | _of_files(folder)
    if (folder / _TEXT).exists():
        prints |= _of_files(folder, (_TEXT,))
    text = json.dumps({**content, _CONTENT: prints}, indent=1)
    (folder / "description.json").write_text(text, encoding="utf-8")


def read_description(folder: Path, names: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The content of `folder/description.json`, which has the keys `names`, and the fingerprints.

    Raises ValueError, with the file's name, for what describes no tokens.
    """
    path = folder / "description.json"
    if not path.exists():
        raise ValueError(f"{folder} holds no tokenised sequences.")
    content = read_json(path)
    prints = content.pop(_CONTENT, {}) if isinstance(content, dict) else {}
    fault = _fault(content, names)
    if not isinstance(prints, dict):
        fault = f"{_CONTENT} is {prints!r}, not an object"
    if fault:
        raise ValueError(f"{path} describes no tokens: {fault}. {_REMEDY}")
    return content, prints


def require_unchanged(folder: Path, content: Mapping[str, Any], prints: Mapping[str, str]) -> None:
    """Raise ValueError, with the file's name, if one is not as it was when it was written.

    `content` is that of the description. A folder without fingerprints is taken as it is.
    """
    if not prints:
        return
    present = {"description.json": _of_description(content)} | _of_files(folder)
    if _TEXT in prints:
        present |= _of_files(folder, (_TEXT,))
    for name, now in present.items():
        if prints.get(name) != now:
            raise ValueError(
                f"{folder / name} was changed since the tokens were written there. {_REMEDY}"
            )


def read_starts(folder: Path, description: Any) -> np.ndarray:
    """Where each sequence starts, and where the last one ends, int64.

    Raises ValueError, with the file's name, unless they are those of `description`.
    """
    path = folder / "starts.npy"
    starts = read_array(path)
    fault = None
    if starts.dtype != np.int64 or starts.ndim != 1:
        fault = f"it is an array {starts.shape} of {starts.dtype}, not one row of int64"
    elif len(starts) != description.num_sequences + 1:
        fault = f"it has {len(starts)} numbers for {description.num_sequences} sequences"
    elif starts[0] != 0 or starts[-1] != description.num_tokens:
        fault = f"it goes from {starts[0]} to {starts[-1]}, not from 0 to {description.num_tokens}"
    else:
        lengths = np.diff(starts)
        if lengths.min() < 1 or lengths.max() > description.sequence_length:
            fault = f"a sequence has {lengths.min()} or {lengths.max()} tokens, which is outside 1 "
            fault += f"to {description.sequence_length}"
    if fault:
        raise ValueError(f"{path} does not belong to its tokens: {fault}. {_REMEDY}")
    return starts


def open_ids(folder: Path, description: Any, dtype: np.dtype) -> np.memmap | PlacedIds:
    """All ids, one sequence after the other, memory-mapped here or where they were made.

    Raises ValueError, with the file's name, unless there are as many as `description` says.
    """
    path = folder / "ids.bin"
    if (folder / SHARDS).exists():
        return _placed(folder, description, dtype)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}). {_REMEDY}") from None
    wanted = description.num_tokens * dtype.itemsize
    if size != wanted:
        raise ValueError(
            f"{path} has {size} bytes, and {description.num_tokens} tokens take {wanted}: it is "
            f"not whole. {_REMEDY}"
        )
    return np.memmap(path, mode="r", dtype=dtype)


def _placed(folder: Path, description: Any, dtype: np.dtype) -> PlacedIds:
    ids = PlacedIds(folder, description.layout, description.sequence_length, dtype)
    if len(ids) != description.num_tokens:
        raise ValueError(
            f"{folder / 'ends.bin'} gives {len(ids)} tokens, and {description.num_tokens} are "
            f"described: it was changed. {_REMEDY}"
        )
    return ids


def write_text_counts(folder: Path, counts: TextCounts) -> None:
    """Write `folder/text.json`; before the description, which has its fingerprint."""
    (folder / _TEXT).write_text(json.dumps(asdict(counts), indent=1), encoding="utf-8")


def read_text_counts(folder: Path, prints: Mapping[str, str]) -> TextCounts | None:
    """What was read of the text; None if `prints` has no fingerprint of it, as it had not once.

    Raises ValueError, with the file's name, if it cannot be read.
    """
    if _TEXT not in prints:
        return None
    path = folder / _TEXT
    content, names = read_json(path), [field.name for field in fields(TextCounts)]
    if not isinstance(content, dict) or sorted(content) != sorted(names):
        raise ValueError(f"{path} holds no counts of a text. {_REMEDY}")
    if not all(_is_integer(value) and value >= 0 for value in content.values()):
        raise ValueError(f"{path} holds a value that is no count. {_REMEDY}")
    if not content["num_tokens"]:
        raise ValueError(f"{path} is of a text without tokens. {_REMEDY}")
    return TextCounts(**content)


def require_in_vocabulary(ids: np.ndarray, vocab_size: int, folder: Path) -> None:
    """Raise ValueError, with the file's name, if an id is outside the vocabulary."""
    highest = int(ids.max(initial=0))
    if highest >= vocab_size:
        raise ValueError(
            f"{folder / 'ids.bin'} holds the id {highest}, and the vocabulary ends at "
            f"{vocab_size - 1}: it was changed. {_REMEDY}"
        )


_REMEDY = "Restore the folder, or delete it and tokenise again."


def _fault(content: Any, names: Sequence[str]) -> str | None:
    if not isinstance(content, dict):
        return "it is no JSON object"
    odd = sorted(set(names).symmetric_difference(content))
    if odd:
        return f"{odd[0]} is {'missing' if odd[0] in names else 'unknown'}"
    for name in _NUMBERS:
        if not _is_integer(content[name]) or content[name] < 1:
            return f"{name} is {content[name]!r}, not an integer of at least 1"
    if content["layout"] not in get_args(Layout):
        return f"layout is {content['layout']!r}, none of {', '.join(get_args(Layout))}"
    if not isinstance(content["tokenizer"], str):
        return f"tokenizer is {content['tokenizer']!r}, not text"
    if not isinstance(content["special_ids"], list):
        return f"special_ids is {content['special_ids']!r}, not a list"
    return _fault_of_ids(content)


def _fault_of_ids(content: dict[str, Any]) -> str | None:
    special, vocab_size = content["special_ids"], content["vocab_size"]
    named = [(name, content[name]) for name in _IDS if (name, content[name]) != ("mask_id", None)]
    for name, value in [*named, *(("special_ids", value) for value in special)]:
        if not _is_integer(value) or not 0 <= value < vocab_size:
            return f"{name} {value!r} is outside the vocabulary of {vocab_size}"
    for name, value in named:
        if value not in special:
            return f"{name} {value} is not among special_ids"
    return None


def _of_description(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _of_files(folder: Path, names: Sequence[str] = ()) -> dict[str, str]:
    if not names:
        names = FILES if (folder / SHARDS).exists() else ("starts.npy", "ids.bin")
    return {name: files_fingerprint([folder / name]) for name in names}


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
