"""The laws that tokenised sequences keep on disk, tried when they are opened.

What is read for it are the description, the starts and the size of the ids, not the ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from hf_apt.data.sequences import Layout
from hf_apt.reading import read_array, read_json

_NUMBERS = ("vocab_size", "sequence_length", "num_sequences", "num_tokens")
_IDS = ("pad_id", "mask_id")


def read_description(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """The content of `folder/description.json`, which has the keys `names` and no other.

    Raises ValueError, with the file's name, for what describes no tokens.
    """
    path = folder / "description.json"
    if not path.exists():
        raise ValueError(f"{folder} holds no tokenised sequences.")
    content = read_json(path)
    fault = _fault(content, names)
    if fault:
        raise ValueError(f"{path} describes no tokens: {fault}. {_REMEDY}")
    return content


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


def open_ids(folder: Path, description: Any, dtype: np.dtype) -> np.memmap:
    """All ids, one sequence after the other, memory-mapped.

    Raises ValueError, with the file's name, unless there are as many as `description` says.
    """
    path = folder / "ids.bin"
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


def require_in_vocabulary(ids: np.ndarray, vocab_size: int, folder: Path) -> None:
    """Raise ValueError, with the file's name, if an id is none of the vocabulary."""
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
    named = [(name, content[name]) for name in _IDS]
    for name, value in [*named, *(("special_ids", value) for value in special)]:
        if not _is_integer(value) or not 0 <= value < vocab_size:
            return f"{name} {value!r} is outside the vocabulary of {vocab_size}"
    for name, value in named:
        if value not in special:
            return f"{name} {value} is not among special_ids"
    return None


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
