"""Lines of text, rows of JSON and columns of Parquet in a user's file, in bounded memory."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hf_apt.reading import first_line

LONGEST = 32_000_000
"""Characters in a line or a document at most: a tokenizer takes some 100 bytes for each."""

LARGEST_LIST = 2**30
"""Bytes of a JSON file that is one list at most; it is read whole."""

_BATCH = 1000


def suffix_of(file: Path) -> str:
    """The ending that says how a file is read: in small letters, without a final `.gz`."""
    name = file.name.lower()
    return Path(name.removesuffix(".gz")).suffix


class NamedError(ValueError):
    """What is wrong with a file, in a sentence that names it."""


@contextmanager
def named(file: Path, kind: str) -> Iterator[None]:
    """Whatever reading `file` raises becomes a ValueError of one line that names it."""
    try:
        yield
    except NamedError:
        raise
    except UnicodeError as error:
        raise NamedError(
            f"{file} cannot be read as {kind}: {_short(error)}; where it is in another encoding "
            "than UTF-8, convert it, or name the encoding with --encoding."
        ) from error
    except (
        ValueError,
        OSError,
        EOFError,
        zlib.error,
        RecursionError,
        NotImplementedError,
    ) as error:
        raise NamedError(f"{file} cannot be read as {kind}: {_short(error)}") from error
    except Exception as error:
        if type(error).__module__.split(".")[0] not in {"pyarrow", "pandas"}:
            raise
        raise NamedError(f"{file} cannot be read as {kind}: {_short(error)}") from error


def _short(error: BaseException) -> str:
    return first_line(error)[:300]


def require_encoding(encoding: str) -> None:
    """Raise ValueError unless Python knows `encoding` as one of text."""
    try:
        codecs.lookup(encoding)
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)  # refuses those that are not of text
    except (LookupError, ValueError):
        raise ValueError(
            f"the encoding {encoding!r} is unknown: utf-8, utf-16, latin-1 and cp1252 are some."
        ) from None


def text_lines(file: Path, encoding: str = "utf-8", *, longest: int = LONGEST) -> Iterator[str]:
    """The lines of a text file, with their ends, without a byte order mark.

    Raises NamedError for one of more than `longest` characters, before it is read.
    """
    with _opened(file, encoding) as opened:
        number = 0
        while line := opened.readline(longest + 1):
            number += 1
            if len(line) > longest:
                raise NamedError(
                    f"line {number} of {file} has more than {longest} characters: divide it into "
                    "several documents."
                )
            yield line


def _opened(file: Path, encoding: str) -> IO[str]:
    # The mark is no letter of the text.
    name = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    if file.name.lower().endswith(".gz"):
        return gzip.open(file, "rt", encoding=name)
    return file.open(encoding=name)


def line_texts(file: Path, encoding: str, longest: int) -> Iterator[str]:
    """The lines of a text file that are not blank, without their ends."""
    for line in text_lines(file, encoding, longest=longest):
        if line.strip():
            yield line.removesuffix("\n")


def paragraph_texts(file: Path, encoding: str, longest: int) -> Iterator[str]:
    """The paragraphs of a text file, which blank lines separate.

    Raises NamedError for one of more than `longest` characters.
    """
    lines: list[str] = []
    size = first = 0
    for number, line in enumerate(text_lines(file, encoding, longest=longest), start=1):
        if line.strip():
            first = first if lines else number
            lines.append(line)
            size += len(line)
            if size > longest:
                raise NamedError(
                    f"the document that begins in line {first} of {file} has more than {longest} "
                    "characters: separate documents by blank lines."
                )
        elif lines:
            yield "".join(lines).removesuffix("\n")
            lines, size = [], 0
    if lines:
        yield "".join(lines).removesuffix("\n")


def json_rows(
    file: Path, encoding: str = "utf-8", *, longest: int = LONGEST
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON file, one on each line or all in one list, each with its number.

    Raises NamedError for a line or an element that is not an object.
    """
    if suffix_of(file) == ".json" and _is_list(file, encoding):
        yield from _listed_rows(file, encoding)
        return
    for number, line in enumerate(text_lines(file, encoding, longest=longest), start=1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            hint = "; one object is expected in each line" if number == 1 else ""
            raise NamedError(
                f"{file} cannot be read as json: {where}: {_short(error)}{hint}."
            ) from error
        if not isinstance(row, dict):
            raise NamedError(
                f"{file} cannot be read as json: {where} holds {_kind(row)}, not an object with "
                "named columns."
            )
        yield where, row


def _is_list(file: Path, encoding: str) -> bool:
    with _opened(file, encoding) as opened:
        while part := opened.read(4096):
            if part.strip():
                return part.lstrip().startswith("[")
    return False


def _listed_rows(file: Path, encoding: str) -> Iterator[tuple[str, dict[str, Any]]]:
    with _opened(file, encoding) as opened:
        content = opened.read(LARGEST_LIST + 1)
    if len(content) > LARGEST_LIST:
        raise NamedError(f"{file} is one list of more than 1 GiB: save it as .jsonl, a row a line.")
    for number, row in enumerate(json.loads(content), start=1):
        if not isinstance(row, dict):
            raise NamedError(
                f"{file} cannot be read as json: element {number} is {_kind(row)}, not an object "
                "with named columns."
            )
        yield f"element {number}", row


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    names |= {dict: "an object", int: "a number", float: "a number"}
    return names[type(value)]


def column_texts(
    rows: Iterable[tuple[str, Mapping[str, Any]]], file: Path, column: str
) -> Iterator[str]:
    """What `column` holds in each row, where it holds something; a list of texts with blanks.

    Raises NamedError for a column that is in no row, or holds anything but text.
    """
    names: dict[str, None] = {}
    is_there = False
    for where, row in rows:
        if column in row:
            is_there = True
        elif not is_there and len(names) < 100:
            names |= dict.fromkeys(row)
        text = joined(row.get(column))
        if isinstance(text, str):
            if not is_unicode(text):
                raise NamedError(
                    f"{where} of {file} holds half of a surrogate pair, which is no character."
                )
            yield text
        elif text is not None:
            raise NamedError(
                f"the column {column!r} of {file} holds {_kind(text)} in {where}, not text."
            )
    if names and not is_there:
        raise NamedError(no_column(file, column, list(names)))


def is_unicode(text: str) -> bool:
    """Whether `text` consists of characters: JSON may hold halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def no_column(file: Path | str, column: str, names: list[str], use: str = "") -> str:
    """The sentence for a column that is not there, with those that are."""
    shown = ", ".join(name[:60] for name in names[:20]).replace("\n", " ")
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"{file} has no column {column!r}{use}: it has {shown}{more}."


def joined(value: Any) -> Any:
    """A list of texts as one text, with blanks between them; any other value as it is.

    >>> joined(["E", "V", "Q"]), joined("E V Q"), joined(None)
    ('E V Q', 'E V Q', None)
    """
    is_list = isinstance(value, list) and all(isinstance(part, str) for part in value)
    return " ".join(value) if is_list else value


def parquet_texts(file: Path, column: str) -> Iterator[str]:
    """What `column` holds in each row, where it holds something; a list of texts with blanks.

    Raises NamedError for a column that is not there or there twice, or holds anything but text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as table:
        schema = table.schema_arrow
        if column not in schema.names:
            raise NamedError(no_column(file, column, schema.names))
        if schema.names.count(column) > 1:
            raise NamedError(f"{file} has {schema.names.count(column)} columns {column!r}.")
        kind = schema.field(column).type
        inner = kind.value_type if pa.types.is_dictionary(kind) else kind
        is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
        part = kind.value_type if is_list else inner
        if part not in (pa.string(), pa.large_string(), pa.string_view(), pa.null()):
            raise NamedError(f"the column {column!r} of {file} holds {kind}, not text.")
        for batch in table.iter_batches(batch_size=_BATCH, columns=[column]):
            if is_list:
                yield from _joined_lists(batch.column(0), file, column)
                continue
            texts = batch.column(0).cast(pa.large_string())
            texts.validate(full=True)
            yield from texts.drop_null().to_pylist()


def _joined_lists(lists: Any, file: Path, column: str) -> Iterator[str]:
    for tokens in lists.drop_null().to_pylist():
        if None in tokens:
            raise NamedError(f"a list in the column {column!r} of {file} holds null, not text.")
        yield " ".join(tokens)
