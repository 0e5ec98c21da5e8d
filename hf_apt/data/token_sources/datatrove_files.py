"""A file of token ids as the tokenising stage of datatrove writes it, tried and memory-mapped.

`X.ds` holds ids of 2 or 4 bytes, one document after the other; `X.ds.index` where each document
ends, unsigned integers of 8 bytes; `X.ds.metadata`, which can be missing, `TOKENIZER|BYTES`, the
number of ids and that number for people. All of them are little-endian. Source: `TokenizedFile` in
datatrove 0.10.1, `datatrove/pipeline/tokens/tokenizer.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Integer

_SIZES = (2, 4)
_OPEN = 512
"""Number of files that are mapped at the same time: each of them holds a descriptor."""
_PART = 1 << 20


@dataclass(frozen=True, kw_only=True)
class TokenFile:
    """One file of ids."""

    path: Path
    """Path of the `.ds` file."""

    token_size: int
    """Bytes of an id."""

    num_ids: int
    """Number of ids."""

    num_documents: int
    """Number of documents, those without an id included."""

    made_by: str | None
    """Name or path of the tokenizer as the metadata have it; None where they do not tell."""

    @property
    def ids(self) -> Integer[np.ndarray, " ids"]:
        """All ids, memory-mapped: uint16 or uint32."""
        return mapped_ids(self.path, self.token_size)

    @property
    def ends(self) -> Integer[np.ndarray, " documents"]:
        """Index in `ids` at which each document ends, memory-mapped uint64."""
        return _mapped(_beside(self.path, ".index"), "<u8")


def open_token_file(path: Path) -> TokenFile:
    """The file at `path`, whose index and metadata lie beside it; its index is read.

    Raises ValueError, with the file's name, for one that is cut off, has no index or one that does
    not fit it, or metadata that say something else.
    """
    index = _beside(path, ".index")
    if not index.is_file():
        raise ValueError(
            f"{path} has no {index.name} beside it, so that where its documents end is not known: "
            "let datatrove write it, with save_index=True."
        )
    num_bytes, num_index_bytes = path.stat().st_size, index.stat().st_size
    if num_index_bytes % 8:
        raise ValueError(
            f"{index} has {num_index_bytes} bytes, which are no whole numbers of 8: it is cut off. "
            "Write it again."
        )
    num_documents = num_index_bytes // 8
    last = int(_mapped(index, "<u8")[-1]) if num_documents else 0
    made_by, token_size, num_ids = _metadata(path) or (None, None, None)
    token_size = token_size or _size_of(path, num_bytes, last)
    if num_bytes % token_size:
        raise ValueError(
            f"{path} has {num_bytes} bytes, which are no whole ids of {token_size}: it is cut off. "
            "Write it again."
        )
    if last * token_size != num_bytes:
        raise ValueError(
            f"{index} does not fit its file: it ends at id {last}, and {path} holds "
            f"{num_bytes // token_size} of {token_size} bytes. Write both again."
        )
    if num_ids is not None and num_ids != last:
        raise ValueError(
            f"{_beside(path, '.metadata')} counts {num_ids} ids, and {path} holds {last}: they are "
            "of two files. Write both again."
        )
    file = TokenFile(
        path=path,
        token_size=token_size,
        num_ids=last,
        num_documents=num_documents,
        made_by=made_by,
    )
    _require_rising(file)
    return file


def sidecars(path: Path) -> list[Path]:
    """The files beside a `.ds` file that belong to it and are there."""
    return [each for each in (_beside(path, ".index"), _beside(path, ".metadata")) if each.exists()]


def mapped_ids(path: Path, token_size: int) -> Integer[np.ndarray, " ids"]:
    """The ids of a file that is not empty, memory-mapped: uint16 or uint32."""
    return _mapped(path, f"<u{token_size}")


def _mapped(path: Path, dtype: str) -> np.ndarray:
    status = path.stat()
    return _opened(path, dtype, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=_OPEN)
def _opened(path: Path, dtype: str, size: int, _: int) -> np.ndarray:
    """The file as it was at a time that the last argument tells from others."""
    return np.memmap(path, mode="r", dtype=dtype) if size else np.empty(0, dtype)


def _metadata(path: Path) -> tuple[str | None, int, int] | None:
    """Tokenizer, bytes of an id and number of ids; None where there are no metadata."""
    metadata = _beside(path, ".metadata")
    try:
        lines = metadata.read_text(encoding="utf-8").splitlines()
        *name, size = lines[0].split("|")
        token_size, num_ids = int(size), int(lines[1])
        if token_size not in _SIZES:
            raise ValueError(f"an id of {token_size} bytes")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, IndexError) as error:
        raise ValueError(
            f"{metadata} is not what datatrove writes, TOKENIZER|BYTES and the number of ids "
            f"({error}): write it again, or delete it."
        ) from None
    made_by = "|".join(name)
    return None if made_by.startswith("Unknown Tokenizer") else made_by, token_size, num_ids


def _size_of(path: Path, num_bytes: int, last: int) -> int:
    """Bytes of an id where only the index tells: those of the file through its number of ids."""
    for size in _SIZES:
        if num_bytes == last * size:
            return size
    raise ValueError(
        f"{path} has {num_bytes} bytes, and its index ends at id {last}: that fits neither ids of "
        "2 bytes nor of 4. Write both again."
    )


def _require_rising(file: TokenFile) -> None:
    for start in range(0, file.num_documents, _PART):
        ends = file.ends[start : start + _PART + 1]
        if (ends[1:] < ends[:-1]).any():
            raise ValueError(
                f"{_beside(file.path, '.index')} does not rise, so that it is no index of "
                "documents: write it again."
            )


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
