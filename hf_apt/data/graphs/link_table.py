"""Graphs of texts from tables: pairs of linked texts, or texts and links between their ids."""
# N texts.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_apt.data.csv_files import csv_rows
from hf_apt.data.text_files import NamedError, json_rows, named, no_column, suffix_of
from hf_apt.stats.graphs.graph import Graph, graph_of_links

SUFFIXES = (".csv", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson")
"""Endings of tables that are read."""


@dataclass(frozen=True)
class LinkedTexts:
    """Texts and which of them are linked."""

    texts: list[str]
    """One text for each node of the graph."""

    graph: Graph
    """Links between the texts, by their places in the list."""


def linked_texts(
    links: Path | str,
    texts: Path | str | None = None,
    *,
    text_column: str = "text",
    id_column: str = "id",
) -> LinkedTexts:
    """The texts and links of one or two tables, .csv, .tsv, .parquet or JSON, their rows in order.

    Args:
        links: a table whose first two columns are linked texts or, with `texts`, ids of these.
        texts: a table of the texts; None where `links` holds them itself, equal texts being one.
        text_column: the column of `texts` with the text.
        id_column: the column of `texts` with the id; where there is none of that name, the number
            of the row, from 0, is its id.

    Returns:
        All texts, also those without a link, and the graph. A link of a text with itself is left
        out, and one that is there twice is one.

    Raises:
        ValueError: for what cannot be read, a missing column, an empty text, an id that is there
            twice or that names no text, and a table without a link between two texts.
    """
    links = Path(links).expanduser()
    pairs = [_pair(row, where, links) for where, row in table_rows(links)]
    if texts is None:
        numbers: dict[str, int] = {}
        for pair in pairs:
            for text in pair:
                numbers.setdefault(text, len(numbers))
        kept = list(numbers)
    else:
        numbers, kept = _numbered(Path(texts).expanduser(), text_column, id_column)
        for pair in pairs:
            for each in pair:
                if each not in numbers:
                    raise ValueError(
                        f"{links} links {each[:60]!r}, which is the id of no text in {texts}: its "
                        f"ids begin with {', '.join([*numbers][:3])[:100]}."
                    )
    graph = graph_of_links(
        len(kept), [(numbers[first], numbers[second]) for first, second in pairs]
    )
    if not graph.num_links:
        raise ValueError(f"{links} links no two different texts: name a table of pairs.")
    return LinkedTexts(kept, graph)


def table_rows(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows of a table by the names of its columns, each with where it stands.

    Raises ValueError for another kind of file, and for what cannot be read.
    """
    suffix = suffix_of(file)
    if suffix not in SUFFIXES:
        raise ValueError(f"{file} is no table: name a file that ends in {', '.join(SUFFIXES)}.")
    with named(file, suffix[1:]):
        if suffix == ".parquet":
            yield from _parquet_rows(file)
        else:
            yield from (csv_rows if suffix in (".csv", ".tsv") else json_rows)(file)


def _parquet_rows(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import pyarrow.parquet as pq

    number = 0
    with pq.ParquetFile(file) as table:
        for batch in table.iter_batches(batch_size=1000):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", row


def _pair(row: Mapping[str, Any], where: str, file: Path) -> tuple[str, str]:
    values = list(row.values())[:2]
    if len(values) < 2:
        raise NamedError(f"{where} of {file} has {len(values)} columns: links are two.")
    first, second = (_said(value, where, file) for value in values)
    return first, second


def _said(value: Any, where: str, file: Path) -> str:
    """A text or an id as text; ids may be whole numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise NamedError(f"{where} of {file} holds {value!r}: give a text, or an id.")
    return value


def _numbered(file: Path, text_column: str, id_column: str) -> tuple[dict[str, int], list[str]]:
    """The place of each id, and the texts by place."""
    numbers: dict[str, int] = {}
    texts: list[str] = []
    for where, row in table_rows(file):
        if text_column not in row:
            raise ValueError(no_column(file, text_column, list(row), " for the text"))
        text = row[text_column]
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{where} of {file} holds no text: leave the row out.")
        own = _said(row[id_column], where, file) if id_column in row else str(len(texts))
        if own in numbers:
            raise ValueError(
                f"{where} of {file} has the id {own[:60]!r}, as one before: rename it."
            )
        numbers[own] = len(texts)
        texts.append(text)
    return numbers, texts
