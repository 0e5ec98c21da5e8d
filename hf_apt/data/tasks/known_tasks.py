"""The classification tasks that have a name: a new one is an entry here.

Where rows come with another form than a text and a label in columns, as FewRel's raw JSON does,
`hf_apt.data.tasks.rows` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RowSource:
    """Where labelled rows are, and in which columns."""

    name: str
    """A local file, folder or glob, or a Hub data set id."""

    config: str | None = None
    """The Hub data set's configuration."""

    revision: str | None = None
    """The Hub data set's revision."""

    split: str = "train"
    """The Hub data set's split to learn from."""

    test_split: str | None = "test"
    """The Hub data set's split to test with; None to divide `split`."""

    text_column: str = "text"
    """Column of the text; `tokens` are joined by spaces."""

    label_column: str = "label"
    """Column of the label, text or integers."""

    encoding: str = "utf-8"
    """Encoding of local .csv and JSON files."""

    markers: bool = False
    """Whether FewRel's two entities are marked in the text."""


@dataclass(frozen=True, kw_only=True)
class KnownTask:
    """What a task's name stands for; numbers are those of arXiv 2507.14871's code."""

    source: RowSource
    """Where the rows are on the Hub."""

    train_per_class: int
    """Number of training texts in each class."""

    test_per_class: int
    """Number of test texts in each class."""


KNOWN_TASKS = {
    "fewrel": KnownTask(
        source=RowSource(
            name="thunlp/few_rel",
            revision="refs/convert/parquet",  # its own files are a script, which is no longer run
            split="train_wiki",
            test_split=None,
            text_column="tokens",
            label_column="relation",
        ),
        train_per_class=630,
        test_per_class=70,
    ),
    "dbpedia_14": KnownTask(
        source=RowSource(name="fancyzhx/dbpedia_14", text_column="content"),
        train_per_class=100,
        test_per_class=100,
    ),
    "ag_news": KnownTask(
        source=RowSource(name="fancyzhx/ag_news"),
        train_per_class=1000,
        test_per_class=1000,
    ),
}
"""Tasks of the papers by name."""
