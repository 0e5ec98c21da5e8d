"""A corpus whose documents are token ids that another program has made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hf_apt.data.corpora import BUILDERS, Corpus, hub_rows, source_key, split_by_hash
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.document_blocks import Documents, Indexed
from hf_apt.data.held_out import TwoSources
from hf_apt.data.local_files import local_files, train_and_held_out
from hf_apt.data.sequences import Cutter, Layout
from hf_apt.data.streamed_shards import Shards
from hf_apt.data.text_files import suffix_of
from hf_apt.data.token_sources.datatrove_files import TokenFile, open_token_file
from hf_apt.data.token_sources.id_cutter import IdCutter, PlaceCutter
from hf_apt.data.token_sources.id_documents import (
    COLUMN,
    ParquetIds,
    id_row,
    require_id_columns,
    stored_documents,
)
from hf_apt.data.token_sources.made_by import require_made_by, require_one_tokenizer


@dataclass(frozen=True)
class TokenCorpus(Corpus):
    """A corpus whose documents are `IdDocument`s."""

    files: tuple[TokenFile, ...] = ()
    """The files of datatrove that they are read from; none where rows of a table hold them."""


def token_corpus(source: CorpusSource) -> TokenCorpus | None:
    """The corpus of token ids that `source` names; None if it names text.

    Token ids are in `.ds` files of datatrove, and in the column `input_ids` of Parquet files and of
    Hub data sets, which are streamed. Documents keep their order, but those of a Hub data set are
    read as text is; the first `max_documents` are read. Files whose names say so are held out, and
    otherwise documents by their ids.

    Raises ValueError for files that are broken, of two kinds or of two tokenizers, and for a corpus
    of which all documents or none are held out.
    """
    files = None if source.name in ("", "sotu") else local_files(source.name, BUILDERS)
    if files is None:
        return _hub(source) if source.column == COLUMN and source.name != "sotu" else None
    stored = [file for file in files if suffix_of(file) == ".ds"]
    if not stored:
        return _parquet(files, source) if source.column == COLUMN else None
    _require_one_kind(files, stored, source)
    return _stored(stored, source)


def _require_one_kind(files: Sequence[Path], stored: Sequence[Path], source: CorpusSource) -> None:
    packed = [file for file in stored if file.suffix.lower() == ".gz"]
    if packed:
        raise ValueError(f"{packed[0]} is packed, and ids are read where they lie: unpack it.")
    others = [file for file in files if file not in set(stored)]
    if others:
        raise ValueError(
            f"{source.name} has files of text and of token ids, as {others[0].name} and "
            f"{stored[0].name}: name those of one kind, as 'FOLDER/*.ds'."
        )


def _stored(paths: Sequence[Path], source: CorpusSource) -> TokenCorpus:
    """Files without a document are left out: datatrove writes one for a task without input."""
    opened = {path: open_token_file(path) for path in paths}
    whole = [path for path, file in opened.items() if file.num_ids]
    if not whole:
        raise ValueError(f"{source.name} holds no document: all of its .ds files are empty.")
    train, held_out = ([opened[path] for path in side] for side in _sides(whole))
    files = (*train, *held_out)
    require_one_tokenizer(files)
    documents = partial(stored_documents, files)
    num_train = sum(file.num_documents for file in train)
    num_all = sum(file.num_documents for file in files)
    sides = (documents(0, num_train), documents(num_train, num_all)) if held_out else None
    return _corpus(source, sides or (documents(0, num_all),), files)


def _parquet(files: Sequence[Path], source: CorpusSource) -> TokenCorpus:
    others = [file for file in files if not file.name.lower().endswith(".parquet")]
    if others:
        raise ValueError(
            f"{others[0]} is no .parquet file, and token ids in the column {COLUMN!r} are read "
            "from Parquet alone: convert it."
        )
    require_id_columns(files)
    sides = [ParquetIds(side) for side in _sides(files) if side]
    return _corpus(source, sides, ())


def _sides(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    return train_and_held_out(paths, BUILDERS)


def _corpus(
    source: CorpusSource, sides: Sequence[Indexed | ParquetIds], files: tuple[TokenFile, ...]
) -> TokenCorpus:
    key = source_key(source)
    if len(sides) == 1:
        stream = split_by_hash(source.name, sides[0], source, key).stream
        return TokenCorpus(source.name, stream, key, files)
    limits = (source.max_documents, source.max_validation_documents)
    train, validation = map(_first, sides, limits)
    return TokenCorpus(source.name, TwoSources(train, validation), key, files)


def _first(documents: Indexed | ParquetIds, limit: int | None) -> Documents:
    if limit is None:
        return documents
    if isinstance(documents, ParquetIds):
        return replace(documents, limit=limit)
    return replace(documents, num_documents=min(limit, documents.num_documents))


def _hub(source: CorpusSource) -> TokenCorpus:
    rows = hub_rows(source, streaming=True).select_columns([COLUMN])
    shards = Shards(
        dataset=rows, column=COLUMN, seed=source.seed, read=partial(id_row, source.name)
    )
    split = split_by_hash(source.name, shards, source, f"{rows.num_shards} shards")
    return TokenCorpus(split.name, split.stream, split.key)


def cutter_of(
    corpus: Corpus, tokenizer: Any, name: str | None, *, length: int, layout: Layout
) -> Cutter:
    """What cuts the documents of `corpus` into sequences.

    Args:
        corpus: a corpus of texts or of token ids.
        tokenizer: the tokenizer of transformers that makes the ids, or that made them.
        name: what the user calls it.
        length: largest number of ids in a sequence.
        layout: how documents become sequences.

    Returns:
        The cutter.

    Raises:
        ValueError: if files say that another tokenizer made them, and for what `Cutter` refuses.
    """
    if not isinstance(corpus, TokenCorpus):
        return Cutter(tokenizer, length=length, layout=layout)
    cutter = id_cutter_of(corpus, tokenizer, name, length=length, layout=layout)
    return PlaceCutter(tokenizer, length=length, layout=layout) if corpus.files else cutter


def id_cutter_of(
    corpus: TokenCorpus, tokenizer: Any, name: str | None, *, length: int, layout: Layout
) -> IdCutter:
    """`cutter_of`, which copies the ids of files of datatrove, too, instead of finding them."""
    if corpus.files:
        require_made_by(corpus.files, tokenizer, name or "that is named")
    return IdCutter(tokenizer, length=length, layout=layout)
