"""Which texts a task is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TaskConfig:
    """Which texts to classify, and how many. None stands for what `KNOWN_TASKS` says."""

    name: str
    """A known task, `planted`, `sotu` (the half century of a paragraph), a Hub data set id, or a
    local .parquet, .json, .jsonl or .csv file, folder or quoted glob with a text and a label
    column."""

    data: str | None = None
    """Local file, folder or quoted glob with the rows of a known task; None for those on the
    Hub."""

    text_column: str | None = None
    """Column of the text."""

    label_column: str | None = None
    """Column of the label."""

    encoding: str = "utf-8"
    """Encoding of local .csv and JSON files."""

    config: str | None = None
    """Configuration of the Hub data set."""

    split: str | None = None
    """Split of the Hub data set to learn from."""

    test_split: str | None = None
    """Split of the Hub data set to test with."""

    train_per_class: int | None = None
    """Number of training texts in each class; None for the task's own."""

    test_per_class: int | None = None
    """Number of test texts in each class; None for the task's own."""

    entity_markers: bool = False
    """Mark the two entities in the texts of FewRel."""

    num_words: int = 24
    """`planted` only: words in a document."""

    seed: int = 42
    """Seed of the choice of texts. It does not seed the planted language."""
