"""Documents in a user's file, by its ending: text, tables, lines of JSON, FASTA or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hf_apt.data.csv_files import csv_rows
from hf_apt.data.fasta_files import fasta_sequences
from hf_apt.data.text_files import (
    LONGEST,
    NamedError,
    column_texts,
    json_rows,
    line_texts,
    named,
    paragraph_texts,
    parquet_texts,
    suffix_of,
)

BUILDERS = {
    ".parquet": "parquet",
    ".jsonl": "json",
    ".json": "json",
    ".ndjson": "json",
    ".txt": "text",
    ".csv": "csv",
    ".tsv": "csv",
    ".fasta": "fasta",
    ".fa": "fasta",
    ".faa": "fasta",
    ".fna": "fasta",
    ".ds": "tokens",
}
"""How a file of text is read, by its suffix; .ds is of token ids, which are no text."""


def read_texts(
    file: Path,
    column: str,
    encoding: str = "utf-8",
    *,
    paragraphs: bool = True,
    longest: int = LONGEST,
) -> Iterator[str]:
    """The documents of a file with one of the endings in `BUILDERS`, which may end in .gz.

    A .txt file is cut at blank lines, or at every line without `paragraphs`; a record of a FASTA
    file is its sequence, without the header. Rows whose `column` holds nothing are left out, and a
    list of texts in it is joined by blanks. Memory: a thousand rows of Parquet, one document of the
    others, a whole JSON list.

    Raises ValueError, with the file's name and where it can be told the line or row, for what
    cannot be read and for a document of more than `longest` characters.
    """
    kind = BUILDERS.get(suffix_of(file), "json")
    if kind == "tokens":
        raise ValueError(
            f"{file} holds token ids, not text: only run, pretrain and measure take it. Name the "
            "text that it was made of."
        )
    with named(file, kind):
        for number, text in enumerate(
            _texts(file, kind, column, encoding, paragraphs=paragraphs, longest=longest), start=1
        ):
            if len(text) > longest:
                raise NamedError(
                    f"document {number} of {file} has {len(text)} characters, and at most "
                    f"{longest} are read: divide it."
                )
            yield text


def _texts(
    file: Path, kind: str, column: str, encoding: str, *, paragraphs: bool, longest: int
) -> Iterator[str]:
    if kind == "parquet":
        return parquet_texts(file, column)
    if kind == "text":
        read = paragraph_texts if paragraphs else line_texts
        return read(file, encoding, longest)
    if kind == "fasta":
        return fasta_sequences(file, encoding, longest=longest)
    read_rows = csv_rows if kind == "csv" else json_rows
    return column_texts(read_rows(file, encoding, longest=longest), file, column)
