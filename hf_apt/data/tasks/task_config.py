"""Which texts a task is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TaskConfig:
    """Which texts to classify, and how many. None stands for what `KNOWN_TASKS` says.

    Raises:
        ValueError: for an imbalance or a share of wrong labels out of range.
    """

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

    imbalance: float = 1.0
    """Make the training texts long-tailed: how many times larger the largest class is than the
    smallest, sizes falling exponentially in between; 1 for as they are. Test texts stay."""

    label_noise: float = 0.0
    """Share of the training texts that get a wrong label, any other one alike. Test texts keep
    theirs."""

    entity_markers: bool = False
    """Mark the two entities in the texts of FewRel."""

    num_words: int = 24
    """`planted` only: words in a document."""

    seed: int = 42
    """Seed of the choice of texts, of the order of class sizes and of wrong labels. It does not
    seed the planted language."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.imbalance) and self.imbalance >= 1):
            raise ValueError(
                f"an imbalance of {self.imbalance}: give how many times larger the largest class "
                "is than the smallest, as 100; 1 leaves the texts as they are."
            )
        if not 0 <= self.label_noise < 1:
            raise ValueError(
                f"a label noise of {self.label_noise}: give the share of training texts that get a "
                "wrong label, from 0 to below 1, as 0.2."
            )
