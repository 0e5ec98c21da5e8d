"""Sequences of FASTA files: a header that begins with `>`, then lines of letters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hf_apt.data.text_files import LONGEST, NamedError, text_lines


def fasta_sequences(
    file: Path, encoding: str = "utf-8", *, longest: int = LONGEST
) -> Iterator[str]:
    """The sequence of each record of a FASTA file, its lines joined, without the header.

    Lines that begin with `;` are comments. A record without letters is left out.

    Raises NamedError for letters before the first header, and for a record of more than `longest`
    letters.
    """
    parts: list[str] = []
    size, is_begun = 0, False
    for number, line in enumerate(text_lines(file, encoding, longest=longest), start=1):
        line = line.strip()
        if line.startswith(">"):
            if parts:
                yield "".join(parts)
            parts, size, is_begun = [], 0, True
        elif line and not line.startswith(";"):
            if not is_begun:
                raise NamedError(
                    f"{file} cannot be read as fasta: line {number} comes before the first header, "
                    "a line that begins with >."
                )
            parts.append(line)
            size += len(line)
            if size > longest:
                raise NamedError(
                    f"the record of {file} that goes on in line {number} has more than {longest} "
                    "letters: divide it."
                )
    if parts:
        yield "".join(parts)
