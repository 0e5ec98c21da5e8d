"""Sentences with BIO tags from files: columns of text, JSON rows, Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hf_apt.data.local_files import local_files, train_and_held_out
from hf_apt.data.text_files import (
    NamedError,
    is_unicode,
    json_rows,
    named,
    no_column,
    suffix_of,
    text_lines,
)
from hf_apt.reading import first_line
from hf_apt.spans.mentions import Sentence, mentions_of

_COLUMNS = (".conll", ".bio", ".iob", ".iob2", ".tsv", ".txt")
_JSON = (".jsonl", ".json", ".ndjson")
SUFFIXES = (*_COLUMNS, *_JSON, ".parquet")
"""Endings of the files that are read."""

_SPLIT = "split"


@dataclass(frozen=True)
class TaggedSentences:
    """The sentences of a source."""

    train: tuple[Sentence, ...]
    """Sentences to learn from."""

    test: tuple[Sentence, ...]
    """Sentences to test with; empty where the source does not keep any apart."""

    files: tuple[Path, ...]
    """The files that were read."""

    num_left_out: int = 0
    """Sentences of other splits, such as validation."""


@dataclass
class _Parts:
    train: list[Sentence] = field(default_factory=list)
    test: list[Sentence] = field(default_factory=list)
    num_left_out: int = 0


def read_tagged(
    name: str, *, tokens_column: str = "tokens", tags_column: str = "ner_tags"
) -> TaggedSentences:
    """The sentences of a file, a folder or a glob.

    Text files (.conll, .bio, .iob, .iob2, .tsv, .txt) have a word a line, its tag in the last
    column, and a blank line after each sentence; lines of -DOCSTART- are passed over. Parquet and
    JSON have a list of words and a list of tags a row. A column `split` says which rows are for
    `test` and which to `train` on, others are left out; without it files whose names say test or
    validation are for testing.

    Args:
        name: the file, folder or glob.
        tokens_column: column of the words.
        tags_column: column of the tags.

    Returns:
        The sentences that have words.

    Raises:
        ValueError: in one sentence that names the file and the row, for what cannot be read or is
            no BIO tag, and where there is nothing to train on.
    """
    files = local_files(name, SUFFIXES)
    if files is None:
        raise ValueError(f"{name} does not exist: give a file or folder of tagged sentences.")
    columns = tokens_column, tags_column
    parts = _Parts()
    for for_test, some in enumerate(train_and_held_out(files, SUFFIXES)):
        for file in some:
            for split, sentence in _sentences(file, columns):
                _put(parts, split or ("test" if for_test else "train"), sentence)
    if not parts.train:
        raise ValueError(f"{name} holds no sentence to train on.")
    return TaggedSentences(tuple(parts.train), tuple(parts.test), tuple(files), parts.num_left_out)


def _put(parts: _Parts, split: str, sentence: Sentence) -> None:
    if not sentence.words:
        return
    if split == "train":
        parts.train.append(sentence)
    elif split == "test":
        parts.test.append(sentence)
    else:
        parts.num_left_out += 1


def _sentences(file: Path, columns: tuple[str, str]) -> Iterator[tuple[str | None, Sentence]]:
    """The split, if the file says it, and the sentence of each row."""
    suffix = suffix_of(file)
    kind = "tagged sentences"
    with named(file, kind):
        if suffix in _COLUMNS:
            rows: Iterator[tuple[str, dict[str, Any]]] = _column_rows(file, columns)
        elif suffix in _JSON:
            rows = iter(json_rows(file))
        else:
            rows = _parquet_rows(file, columns)
        for where, row in rows:
            yield row.get(_SPLIT), _sentence(file, where, row, columns)


def _column_rows(file: Path, columns: tuple[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sentences of a word a line, each with the line it begins in."""
    words: list[str] = []
    tags: list[str] = []
    first = 1
    for number, line in enumerate([*text_lines(file), ""], start=1):
        cells = line.split()
        if cells and cells[0] != "-DOCSTART-":
            if len(cells) < 2:
                raise NamedError(
                    f"line {number} of {file} is {line.strip()[:60]!r}: a line holds a word and, "
                    "in the last column, its tag."
                )
            first = first if words else number
            words.append(cells[0])
            tags.append(cells[-1])
        elif words:
            yield f"the sentence in line {first}", dict(zip(columns, (words, tags), strict=True))
            words, tags = [], []


def _parquet_rows(file: Path, columns: tuple[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        names = opened.schema_arrow.names
        for name in columns:
            if name not in names:
                raise NamedError(no_column(file, name, names))
        wanted = [name for name in (*columns, _SPLIT) if name in names]
        number = 0
        for batch in opened.iter_batches(columns=wanted):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", row


def _sentence(file: Path, where: str, row: dict[str, Any], columns: tuple[str, str]) -> Sentence:
    words, tags = (_texts(file, where, row, name) for name in columns)
    if len(words) != len(tags):
        raise NamedError(f"{where} of {file} has {len(words)} words and {len(tags)} tags.")
    try:
        return Sentence(tuple(words), mentions_of(tags))
    except ValueError as error:
        raise NamedError(f"{where} of {file}: {first_line(error)}") from None


def _texts(file: Path, where: str, row: dict[str, Any], name: str) -> Sequence[str]:
    if name not in row:
        raise NamedError(no_column(file, name, list(row)))
    value = row[name]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        inner = value[0] if isinstance(value, list) and value else value
        raise NamedError(
            f"{where} of {file} holds {type(inner).__name__} in {name!r}: words and tags are lists "
            "of texts, tags such as B-person."
        )
    if not all(is_unicode(each) for each in value):
        raise NamedError(f"{where} of {file} holds half of a surrogate pair in {name!r}.")
    return value
