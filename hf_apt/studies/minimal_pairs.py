"""Minimal pairs, as those of BLiMP and BabyLM: which of two sentences a model finds more likely."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.data.csv_files import csv_rows
from hf_apt.data.local_files import local_files
from hf_apt.data.text_files import NamedError, json_rows, named, no_column, suffix_of
from hf_apt.depths.causality import is_causal
from hf_apt.depths.likelihood.pseudo_kind import PseudoKind
from hf_apt.depths.likelihood.pseudo_likelihood import log_likelihood, pseudo_log_likelihood
from hf_apt.stats.likelihood.pair_scores import PairScores
from hf_apt.stats.likelihood.sentence_scores import SentenceScores

if TYPE_CHECKING:
    from transformers import PreTrainedModel

GOOD, BAD = "sentence_good", "sentence_bad"
"""The columns of the two sentences."""

_PARADIGM = ("UID", "linguistics_term")
"""The columns that can name the paradigm; the first that holds something is taken."""

_SUFFIXES = {".jsonl", ".json", ".ndjson", ".csv", ".tsv"}


@dataclass(frozen=True)
class MinimalPair:
    """Two sentences that differ in one point, by which one of them is acceptable."""

    good: str
    """The acceptable sentence."""

    bad: str
    """The unacceptable sentence."""

    paradigm: str = "pairs"
    """What the two sentences differ by."""


def read_minimal_pairs(path: Path | str) -> list[MinimalPair]:
    """The pairs of a file, of all files of a folder or of those that a pattern names, in order.

    Each row has the columns `sentence_good` and `sentence_bad`. Its paradigm is its `UID`, else its
    `linguistics_term`, else the name of its file. Read are .jsonl, .json, .csv and .tsv files.

    Raises ValueError, with the file and the line, for what is missing, empty or no text, and for
    two sentences that are the same.
    """
    files = local_files(str(path), _SUFFIXES)
    if files is None:
        raise ValueError(f"{path} does not exist: name a file or a folder of minimal pairs.")
    pairs = [pair for file in files for pair in _pairs_of(file)]
    if not pairs:
        raise ValueError(f"{path} holds no pair.")
    return pairs


def has_pairs(path: Path) -> bool:
    """Whether the rows of a file, or of the files of a folder, are minimal pairs, by the first.

    Raises ValueError for a file that cannot be read.
    """
    files = local_files(str(path), _SUFFIXES) or []
    tables = [file for file in files if suffix_of(file) in _SUFFIXES]
    return any(GOOD in row or BAD in row for file in tables[:1] for _, row in _first_row(file))


def minimal_pairs(
    model: PreTrainedModel,
    tokenizer: Any,
    pairs: Sequence[MinimalPair] | Path | str,
    kind: PseudoKind = "original",
    *,
    batch_size: int = 64,
) -> PairScores:
    """Which sentence of each pair a model finds more likely, at every depth by its own head.

    A masked language model scores a sentence by its pseudo-log-likelihood, a causal one by its
    log-likelihood.

    Args:
        model: a loaded language model.
        tokenizer: its tokenizer.
        pairs: the pairs, or a file or a folder with them (`read_minimal_pairs`).
        kind: `original` or `within_word_l2r`, as in `hf_apt.pseudo_log_likelihood`; not used of a
            causal model.
        batch_size: sequences in a forward pass; the scores do not depend on it.

    Returns:
        The scores of both sentences of each pair in nats, at every depth.

    Raises:
        ValueError: for pairs that cannot be read, an unknown kind, a sentence that is empty, holds
            a mask or is longer than the model takes, and a tokenizer of another model; later if a
            log-probability is not finite.
    """
    if isinstance(pairs, str | Path):
        pairs = read_minimal_pairs(pairs)
    texts = [text for pair in pairs for text in (pair.good, pair.bad)]
    if is_causal(model):
        scores = log_likelihood(model, tokenizer, texts, batch_size=batch_size)
    else:
        scores = pseudo_log_likelihood(model, tokenizer, texts, kind, batch_size=batch_size)
    good, bad = (SentenceScores(scores.kind, scores.sentences[side::2]) for side in (0, 1))
    return PairScores(good, bad, tuple(pair.paradigm for pair in pairs))


def _rows(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return csv_rows(file) if suffix_of(file) in (".csv", ".tsv") else json_rows(file)


def _first_row(file: Path) -> list[tuple[str, Mapping[str, Any]]]:
    with named(file, "minimal pairs"):
        return [row for row, _ in zip(_rows(file), range(1), strict=False)]


def _pairs_of(file: Path) -> list[MinimalPair]:
    with named(file, "minimal pairs"):
        return [_pair(row, where, file) for where, row in _rows(file)]


def _pair(row: Mapping[str, Any], where: str, file: Path) -> MinimalPair:
    for column in (GOOD, BAD):
        if column not in row:
            raise NamedError(f"{where}: {no_column(file, column, list(row))}")
        if not isinstance(row[column], str) or not row[column].strip():
            raise NamedError(f"{where} of {file} has no text in the column {column!r}.")
    if row[GOOD] == row[BAD]:
        raise NamedError(f"{where} of {file} has the same sentence twice: leave the pair out.")
    named_by = (row[column] for column in _PARADIGM if row.get(column))
    paradigm = str(next(named_by, file.name.split(".")[0]))
    return MinimalPair(row[GOOD], row[BAD], paradigm)
