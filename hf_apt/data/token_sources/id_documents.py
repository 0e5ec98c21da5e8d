"""Documents that are token ids already, in files of datatrove and in columns of Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Integer

from hf_apt.data.document_blocks import Block, Indexed
from hf_apt.data.text_files import NamedError, named, no_column
from hf_apt.data.token_sources.datatrove_files import TokenFile

COLUMN = "input_ids"
"""The column of a table that holds token ids."""

_ROWS = 1000


@dataclass(frozen=True, slots=True)
class IdDocument:
    """A document as token ids."""

    ids_N: Integer[np.ndarray, " ids"]
    """Its ids as they are stored, special ones included."""

    source: str
    """The file that it is in, for messages."""

    number: int
    """Its number there, from 1 on; 0 where that is not known."""

    begin: int = 0
    """Index of its first id among those of all files of datatrove, one after the other."""

    def __bytes__(self) -> bytes:
        return self.ids_N.astype("<u4").tobytes()

    def __str__(self) -> str:
        numbered = f"document {self.number}" if self.number else "a document"
        return f"{numbered} of {self.source}"


def stored_documents(files: Sequence[TokenFile], first: int, last: int) -> Indexed:
    """The documents of `files` in their order, memory-mapped; from number `first` up to `last`."""
    firsts = np.cumsum([0, *(file.num_documents for file in files)])
    offsets = np.cumsum([0, *(file.num_ids for file in files)])

    def between(start: int, end: int) -> list[IdDocument]:
        documents: list[IdDocument] = []
        while start < end:
            at = int(np.searchsorted(firsts, start, "right")) - 1
            stop = min(end, int(firsts[at + 1]))
            local, offset = start - int(firsts[at]), int(offsets[at])
            documents += _of_file(files[at], local, stop - int(firsts[at]), offset)
            start = stop
        return documents

    return Indexed(last - first, lambda start, end: between(first + start, first + end))


def _of_file(file: TokenFile, start: int, end: int, offset: int) -> Iterator[IdDocument]:
    ends = file.ends[max(0, start - 1) : end].tolist()
    begins = ends[:-1] if start else [0, *ends[:-1]]
    ids, name = np.asarray(file.ids), str(file.path)
    for number, (first, last) in enumerate(
        zip(begins, ends[len(ends) - len(begins) :], strict=True), start=start + 1
    ):
        yield IdDocument(ids[first:last], name, number, offset + first)


def id_row(source: str, value: Any) -> IdDocument | None:
    """What `input_ids` holds in a row of `source`; None where it holds nothing.

    Raises ValueError for anything but a list of whole numbers from 0 on.
    """
    if value is None:
        return None
    ids_N = np.asarray(value)
    if ids_N.ndim != 1 or (ids_N.size and ids_N.dtype.kind not in "iu"):
        raise ValueError(
            f"the column {COLUMN!r} of {source} holds {value!r:.80}, not a list of token ids."
        )
    return IdDocument(ids_N, source, 0)


@dataclass(frozen=True)
class ParquetIds:
    """The lists of ids in the column `input_ids` of Parquet files, in their order.

    Rows that hold nothing are left out. Memory: a thousand rows. A position is the number of a file
    and of the rows of it that were read; whole row groups before it are not read again.
    """

    files: Sequence[Path]
    """The files; each has the column, of lists of whole numbers, as `require_id_columns` finds."""

    limit: int | None = None
    """Largest number of rows; None for all."""

    @property
    def num_documents(self) -> int:
        """Number of rows."""
        import pyarrow.parquet as pq

        num_rows = sum(pq.read_metadata(file).num_rows for file in self.files)
        return num_rows if self.limit is None else min(self.limit, num_rows)

    def blocks(self, after: list[int] | None = None) -> Iterator[Block]:
        """Blocks of at most 1,000 rows.

        Raises ValueError, with the file's name, for a file that cannot be read and a list that
        holds null.
        """
        at, done, total = after or [0, 0, 0]
        for number in range(at, len(self.files)):
            file = self.files[number]
            with named(file, "parquet"):
                for lists in _batches(file, done):
                    lists = lists if self.limit is None else lists[: self.limit - total]
                    texts = list(_documents(lists, file, done))
                    done, total = done + len(lists), total + len(lists)
                    yield Block(texts, [number, done, total])
                    if total == self.limit:
                        return
            done = 0


def require_id_columns(files: Sequence[Path]) -> None:
    """Raise ValueError, with the file's name, unless each has a column of ids, `input_ids`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in files:
        with named(file, "parquet"), pq.ParquetFile(file) as table:
            schema = table.schema_arrow
            if COLUMN not in schema.names:
                raise NamedError(no_column(file, COLUMN, schema.names))
            kind = schema.field(COLUMN).type
            is_list = isinstance(kind, (pa.ListType, pa.LargeListType, pa.FixedSizeListType))
            if not is_list or not pa.types.is_integer(kind.value_type):
                raise NamedError(
                    f"the column {COLUMN!r} of {file} holds {kind}, not lists of token ids."
                )


def _batches(file: Path, done: int) -> Iterator[Any]:
    """The column as arrays of lists, from row `done` on."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as table:
        sizes = [table.metadata.row_group(at).num_rows for at in range(table.num_row_groups)]
        firsts = np.cumsum([0, *sizes])
        left = [at for at in range(len(sizes)) if firsts[at + 1] > done]
        if not left:
            return
        skipped = done - int(firsts[left[0]])
        for batch in table.iter_batches(batch_size=_ROWS, row_groups=left, columns=[COLUMN]):
            lists = batch.column(0)[skipped:]
            skipped = max(0, skipped - batch.num_rows)
            if len(lists):
                yield lists


def _documents(lists: Any, file: Path, done: int) -> Iterator[IdDocument]:
    for number, each in enumerate(lists, start=done + 1):
        if each.is_valid:
            values = each.values
            if values.null_count:
                raise NamedError(f"row {number} of {file} holds null among its token ids.")
            yield IdDocument(values.to_numpy(zero_copy_only=False), str(file), number)
