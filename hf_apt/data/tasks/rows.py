"""Labelled rows as a source has them: local files, FewRel's raw JSON, a Hub data set."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.data.local_files import local_files, train_and_held_out
from hf_apt.data.tasks.fewrel import is_raw, sentence
from hf_apt.data.tasks.known_tasks import RowSource
from hf_apt.data.tasks.splits import LabelledTexts
from hf_apt.data.text_files import (
    LARGEST_LIST,
    NamedError,
    is_unicode,
    json_rows,
    named,
    no_column,
    suffix_of,
    text_lines,
)

if TYPE_CHECKING:
    from datasets import Dataset

SUFFIXES = (".parquet", ".jsonl", ".json", ".ndjson", ".csv")


@dataclass(frozen=True)
class SourceRows:
    """All rows of a source."""

    train: LabelledTexts
    """Rows to learn from, and to test with where `test` is None."""

    test: LabelledTexts | None
    """Rows to test with; None where the source does not keep them apart."""

    files: tuple[Path, ...] = ()
    """The local files that were read."""


def read_rows(source: RowSource) -> SourceRows:
    """The rows of a source.

    Local files whose names say test or validation are for testing.

    Files of text have the encoding of the source. Memory: all rows.

    Raises ValueError for a missing, empty or unreadable file, a line of more than 32 million
    characters, and a missing column.
    """
    files = local_files(source.name, SUFFIXES)
    if files is None:
        return _hub_rows(source)
    train, test = train_and_held_out(files, SUFFIXES)
    test_rows = _file_rows(test, source) if test else None
    return SourceRows(_file_rows(train, source), test_rows, tuple(files))


def _file_rows(files: list[Path], source: RowSource) -> LabelledTexts:
    parts = [_rows_of_file(file, source) for file in files]
    if any(part.label_names != parts[0].label_names for part in parts):
        raise ValueError(f"the files of {source.name} name their classes differently.")
    merged = {
        name: [value for part in parts for value in getattr(part, name)]
        for name in ("texts", "labels", "origins")
    }
    if not merged["texts"]:
        raise ValueError(f"{files[0]} holds no row.")
    return replace(parts[0], name=source.name, **merged)


def _rows_of_file(file: Path, source: RowSource) -> LabelledTexts:
    suffix = suffix_of(file)
    if suffix == ".parquet":
        return _parquet_rows(file, source)
    if suffix == ".csv":
        return _csv_rows(file, source)
    with named(file, "json"):
        if suffix == ".json":
            content = _whole_json(file, source.encoding)
            if is_raw(content):
                return _raw_rows(content, source)
            if isinstance(content, dict) and len(content) != 0 and not _is_row(content, source):
                raise NamedError(
                    f"{file} cannot be read as json: it is one object "
                    f"({', '.join(list(content)[:5])[:200]}), not a list of rows."
                )
        rows = [row for _, row in json_rows(file, source.encoding)]
    return _row_columns(file, rows, source)


def _whole_json(file: Path, encoding: str) -> Any:
    """What the file holds as one JSON text; None where it is lines of it, or none."""
    if file.stat().st_size > LARGEST_LIST:
        return None
    try:
        return json.loads("".join(text_lines(file, encoding)))
    except (UnicodeError, NamedError):
        raise
    except (ValueError, RecursionError):
        return None  # the reader of lines says what is wrong


def _is_row(content: dict[str, Any], source: RowSource) -> bool:
    return source.label_column in content


def _row_columns(file: Path, rows: list[dict[str, Any]], source: RowSource) -> LabelledTexts:
    names = list(dict.fromkeys(name for row in rows for name in row))
    _require_columns(file, names, source)
    column = _text_column(source)
    return _labelled(
        file,
        source,
        [row.get(column) for row in rows],
        [row.get(source.label_column) for row in rows],
        instances=rows,
    )


def _csv_rows(file: Path, source: RowSource) -> LabelledTexts:
    import pandas
    import pyarrow as pa

    with named(file, "csv"):
        for _ in text_lines(
            file, source.encoding
        ):  # no line may be so long that it fills the memory
            pass
        is_utf8 = codecs.lookup(source.encoding).name == "utf-8"
        encoding = "utf-8-sig" if is_utf8 else source.encoding  # a mark is no letter of a name
        table = pa.Table.from_pandas(pandas.read_csv(file, encoding=encoding))
    _require_columns(file, table.column_names, source)
    texts, labels = (
        table.column(name).to_pylist() for name in (_text_column(source), source.label_column)
    )
    return _labelled(file, source, texts, labels)


def _parquet_rows(file: Path, source: RowSource) -> LabelledTexts:
    import pyarrow.parquet as pq
    from datasets import Dataset

    with named(file, "parquet"), pq.ParquetFile(file) as opened:
        names = opened.schema_arrow.names
        _require_columns(file, names, source)
        wanted = {_text_column(source), source.label_column}
        if source.markers:
            wanted |= {"h", "t", "head", "tail", "head_pos", "tail_pos"}.intersection(names)
        table = opened.read(columns=[name for name in names if name in wanted])
        table.validate(full=True)
        rows = Dataset(table) if table.num_rows else None
    if rows is None:
        raise ValueError(f"{file} holds no row.")
    return _columns(rows, source)


def _text_column(source: RowSource) -> str:
    return "tokens" if source.markers else source.text_column


def _require_columns(where: Path | str, names: list[str], source: RowSource) -> None:
    for wanted, option in ((_text_column(source), "text"), (source.label_column, "label")):
        if wanted not in names:
            raise NamedError(no_column(where, wanted, names, f" for the {option}"))


def _labelled(
    file: Path,
    source: RowSource,
    texts: list[Any],
    labels: list[Any],
    *,
    names: tuple[str, ...] = (),
    instances: list[dict[str, Any]] | None = None,
) -> LabelledTexts:
    if _text_column(source) == "tokens":
        instances = instances or [{"tokens": tokens} for tokens in texts]
        for number, tokens in enumerate(texts):
            if not isinstance(tokens, list) or not all(isinstance(it, str) for it in tokens):
                raise ValueError(f"the tokens in row {number} of {file} are no list of texts.")
        marked = [sentence(row, markers=source.markers) for row in instances]
        plain = [" ".join(tokens) for tokens in texts]
        return LabelledTexts(source.name, marked, labels, names, origins=plain)
    for number, text in enumerate(texts):
        if text is not None and not isinstance(text, str):
            raise ValueError(
                f"the column {source.text_column!r} of {file} holds {type(text).__name__} in row "
                f"{number}, not text."
            )
        if text is not None and not is_unicode(text):
            raise ValueError(f"row {number} of {file} holds half of a surrogate pair.")
    return LabelledTexts(source.name, texts, labels, names)


def _raw_rows(content: dict[str, list[dict[str, Any]]], source: RowSource) -> LabelledTexts:
    rows = [(row, relation) for relation, instances in content.items() for row in instances]
    return LabelledTexts(
        source.name,
        [sentence(row, markers=source.markers) for row, _ in rows],
        [relation for _, relation in rows],
        origins=[sentence(row) for row, _ in rows],
    )


def _columns(rows: Dataset, source: RowSource) -> LabelledTexts:
    from datasets import ClassLabel

    _require_columns(source.name, rows.column_names, source)
    feature = rows.features[source.label_column]
    names = tuple(feature.names) if isinstance(feature, ClassLabel) else ()
    labels = rows[source.label_column][:]
    if _text_column(source) != "tokens":
        texts = rows[source.text_column][:]
        return LabelledTexts(source.name, texts, labels, names)
    return LabelledTexts(
        source.name,
        [sentence(row, markers=source.markers) for row in rows.to_list()],
        labels,
        names,
        origins=[" ".join(tokens) for tokens in rows["tokens"]],
    )


def _hub_rows(source: RowSource) -> SourceRows:
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import HFValidationError

    parts: list[LabelledTexts] = []
    for split in (source.split, source.test_split):
        if split is None:
            continue
        try:
            rows = load_dataset(source.name, source.config, split=split, revision=source.revision)
        except (
            DatasetNotFoundError,
            HFValidationError,
            ConnectionError,
            ValueError,
            RuntimeError,
        ) as error:
            raise ValueError(
                f"{source.name!r} is no local file and its split {split!r} cannot be read from the "
                f"Hub: {str(error).splitlines()[0]}"
            ) from error
        parts.append(_columns(rows, source))
    return SourceRows(parts[0], parts[1] if len(parts) > 1 else None)
