"""Rows of tables of comma- or tab-separated values, in bounded memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from hf_apt.data.text_files import LONGEST, NamedError, suffix_of, text_lines


def csv_rows(
    file: Path, encoding: str = "utf-8", *, longest: int = LONGEST
) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a .csv or .tsv file by the names in its first line, each with its line.

    A field in double quotes may hold separators and ends of lines. Empty lines are left out.

    Raises NamedError for a row with more or fewer fields than there are names, a name that is there
    twice, and quotes that are not closed.
    """
    csv.field_size_limit(max(csv.field_size_limit(), longest))
    separator = "\t" if suffix_of(file) == ".tsv" else ","
    reader = csv.reader(
        text_lines(file, encoding, longest=longest), delimiter=separator, strict=True
    )
    names: list[str] = []
    try:
        for fields in reader:
            where = f"line {reader.line_num}"
            if not names:
                names = fields
                _require_different(names, file)
            elif fields:
                if len(fields) != len(names):
                    raise NamedError(
                        f"{where} of {file} has {len(fields)} fields, and the first line names "
                        f"{len(names)} columns: quote what holds a separator, or a quote."
                    )
                yield where, dict(zip(names, fields, strict=True))
    except csv.Error as error:
        raise NamedError(
            f"{file} cannot be read as csv: line {reader.line_num}: {error}; where quotes are part "
            "of the text, write it as .jsonl, or as .txt with a document a line."
        ) from error


def _require_different(names: list[str], file: Path) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise NamedError(f"{file} has {names.count(twice[0])} columns {twice[0]!r}.")
