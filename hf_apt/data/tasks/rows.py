"""Labelled rows as a source has them: local files, FewRel's raw JSON, a Hub data set."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.data.local_files import local_files, train_and_held_out
from hf_apt.data.tasks.fewrel import is_raw, sentence
from hf_apt.data.tasks.known_tasks import RowSource
from hf_apt.data.tasks.splits import LabelledTexts

if TYPE_CHECKING:
    from datasets import Dataset

_BUILDERS = {
    ".parquet": "parquet",
    ".jsonl": "json",
    ".json": "json",
    ".ndjson": "json",
    ".csv": "csv",
}


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

    Raises ValueError for a missing, empty or unreadable file, and for a missing column.
    """
    files = local_files(source.name, _BUILDERS)
    if files is None:
        return _hub_rows(source)
    train, test = train_and_held_out(files, _BUILDERS)
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
    from datasets import load_dataset
    from datasets.exceptions import DatasetGenerationError

    if file.suffix == ".json":
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            content = None  # lines of JSON, or no JSON: the reader below finds out
        if content is not None and is_raw(content):
            return _raw_rows(content, source)
    builder = _BUILDERS[file.suffix]
    try:
        rows = load_dataset(builder, data_files=str(file), split="train")
    except (DatasetGenerationError, ValueError, OSError) as error:
        reason = (str(error.__cause__ or error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{file} cannot be read as {builder}: {reason}") from error
    return _columns(rows, source)


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

    text_column = "tokens" if source.markers else source.text_column
    for wanted, option in ((text_column, "text"), (source.label_column, "label")):
        if wanted not in rows.column_names:
            raise ValueError(
                f"{source.name} has no column {wanted!r} for the {option}: it has "
                f"{', '.join(rows.column_names)}."
            )
    feature = rows.features[source.label_column]
    names = tuple(feature.names) if isinstance(feature, ClassLabel) else ()
    labels = rows[source.label_column][:]
    if text_column != "tokens":
        texts = rows[text_column][:]
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
