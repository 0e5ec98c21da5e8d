"""What a text is, told from another one: fingerprints of the contents of files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from hf_apt.file_digests import once, sha256

WHOLE = 2**30
"""Bytes of a file up to which all of it is read for its fingerprint."""

_PIECES = 256
_PIECE = 2**20


def files_fingerprint(files: Sequence[Path]) -> str:
    """32 hexadecimal digits that change with the files' contents, names and order, not with dates.

    Of a file above 1 GiB its size and 256 MiB at evenly spaced offsets are read. A file is read
    once in a process, unless its size or a date of it changes.
    """
    digest = hashlib.sha256()
    for file in files:
        content = once(_content, file)
        digest.update(f"{file.name}\0{content}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def texts_provenance(name: str, texts: Sequence[str]) -> dict[str, str | int]:
    """What texts are called, their number, and a fingerprint of them in their order."""
    digest = hashlib.sha256("\0".join(texts).encode(errors="surrogatepass"))
    return {"text": name, "num_texts": len(texts), "fingerprint": digest.hexdigest()[:32]}


def _content(file: Path) -> str:
    size = file.stat().st_size
    if size <= WHOLE:
        return sha256(file)
    digest = hashlib.sha256(str(size).encode())
    with file.open("rb") as opened:
        for piece in range(_PIECES):
            opened.seek((size - _PIECE) * piece // (_PIECES - 1))
            digest.update(opened.read(_PIECE))
    return digest.hexdigest()
