"""Whether the tokenizer that is named made the ids, as far as the files tell."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hf_apt.data.token_sources.datatrove_files import TokenFile
from hf_apt.data.tokenizer import load_tokenizer, vocabulary
from hf_apt.reading import first_line

_RULES = ("model", "normalizer", "pre_tokenizer")
"""Parts of a tokenizer that decide which ids a text has, special ones around it aside."""


def require_one_tokenizer(files: Sequence[TokenFile]) -> None:
    """Raise ValueError, with two files' names, if not all were made by one tokenizer."""
    first = files[0]
    for file in files:
        if file.token_size != first.token_size:
            raise ValueError(
                f"{first.path} has ids of {first.token_size} bytes and {file.path} of "
                f"{file.token_size}: they were made by two tokenizers. Name files of one."
            )
        if None not in (file.made_by, first.made_by) and file.made_by != first.made_by:
            raise ValueError(
                f"{first.path} was made by the tokenizer {first.made_by} and {file.path} by "
                f"{file.made_by}: name files of one."
            )


def require_made_by(files: Sequence[TokenFile], tokenizer: Any, name: str) -> None:
    """Raise ValueError if `files` were made by another tokenizer than `tokenizer`, named `name`.

    Bytes of an id tell the size of the vocabulary. The metadata name a tokenizer: where it is
    another name, that tokenizer is read and compared; where it cannot be read, there is a warning.
    """
    first = files[0]
    vocab_size = len(vocabulary(tokenizer))
    wanted = 4 if vocab_size > 2**16 else 2
    if first.token_size != wanted:
        raise ValueError(
            f"{first.path} has ids of {first.token_size} bytes, and those of the tokenizer {name}, "
            f"{vocab_size} ids, take {wanted}: they were made by another one. Name that one with "
            "--tokenizer."
        )
    made_by = next((file.made_by for file in files if file.made_by is not None), None)
    if made_by is None or made_by == name:
        return
    try:
        other = _rules(made_by)
    except ValueError as error:
        warnings.warn(
            f"{first.path} says that the tokenizer {made_by} made it, which cannot be read "
            f"({error}): it is taken to be {name}.",
            stacklevel=2,
        )
        return
    own = _rules_of_loaded(tokenizer)
    known = None not in (own[0], other[0])
    if (other if known else other[1]) != (own if known else own[1]):
        raise ValueError(
            f"{first.path} was made by the tokenizer {made_by}, and {name} is another one: name "
            "that one with --tokenizer, or a model that reads it."
        )


_Rules = tuple[dict[str, Any] | None, dict[str, int]]
"""The parts of `_RULES`, None where a tokenizer in plain Python tells none, and the ids."""


def _rules(name: str) -> _Rules:
    """The rules of the tokenizer in a `tokenizer.json`, a folder or on the Hub."""
    from tokenizers import Tokenizer

    path = Path(name).expanduser()
    if not path.is_file():
        return _rules_of_loaded(load_tokenizer(name, needs_mask=False))
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises plain Exception
        raise ValueError(f"it is no tokenizer: {first_line(error)}") from None
    return _rules_of(json.loads(tokenizer.to_str()), tokenizer.get_vocab(True))


def _rules_of_loaded(tokenizer: Any) -> _Rules:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None, tokenizer.get_vocab()
    return _rules_of(json.loads(backend.to_str()), tokenizer.get_vocab())


def _rules_of(content: dict[str, Any], ids: dict[str, int]) -> _Rules:
    return {key: content.get(key) for key in _RULES}, ids
