"""Classification tasks: texts with labels, divided once and for all, and where they came from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_apt.data.corpora import dated_sotu_paragraphs
from hf_apt.data.tasks.known_tasks import KNOWN_TASKS, KnownTask, RowSource
from hf_apt.data.tasks.rows import read_rows
from hf_apt.data.tasks.splits import Examples, LabelledTexts, Splits, split
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.data.tasks.uneven import long_tailed, mislabelled
from hf_apt.data.text_files import require_encoding
from hf_apt.records.fingerprints import file_fingerprint


@dataclass(frozen=True)
class Task:
    """Training and test texts with labels."""

    name: str
    """Name of the task."""

    train: Examples
    """Examples to learn from."""

    test: Examples
    """Examples to test with; no text of theirs is in `train`."""

    label_names: tuple[str, ...]
    """Names of the classes, by number."""

    provenance: dict[str, Any]
    """Source, columns, seed, sizes and fingerprints, in plain JSON."""

    @property
    def num_labels(self) -> int:
        """Number of classes."""
        return len(self.label_names)

    @property
    def chance(self) -> float:
        """Largest test accuracy of an answer that never changes."""
        return float(np.bincount(self.test.labels).max() / len(self.test))


BUILT_IN_SIZES = {"planted": (200, 100), "sotu": (400, 100)}
"""Tasks that need no file, with their texts of a class to learn from and to test."""


def open_task(config: TaskConfig) -> Task:
    """Load the texts and labels of a task.

    Args:
        config: which texts to classify, and how many.

    Returns:
        Training and test texts with their labels, and the names of these.

    Raises:
        ValueError: for a source that cannot be read, an unknown encoding, and labels or texts that
            make no task.
    """
    require_encoding(config.encoding)
    known = KNOWN_TASKS.get(config.name)
    if config.data is not None and known is None:
        raise ValueError(
            f"the name {config.name!r} already says where its rows are; only "
            f"{', '.join(KNOWN_TASKS)} take them from elsewhere."
        )
    if config.entity_markers and config.name != "fewrel":
        raise ValueError("only the task fewrel has entities to mark.")
    if config.name in BUILT_IN_SIZES:
        return _built_in(config)
    source = _source(config, known)
    rows = read_rows(source)
    splits = split(
        rows.train,
        rows.test,
        seed=config.seed,
        train_per_class=config.train_per_class or (known.train_per_class if known else None),
        test_per_class=config.test_per_class or (known.test_per_class if known else None),
    )
    origin = {
        "source": [file.name for file in rows.files] or source.name,
        "file_fingerprints": [file_fingerprint(file) for file in rows.files],
        "text_column": source.text_column,
        "label_column": source.label_column,
        "encoding": source.encoding,
        "entity_markers": source.markers,
        "has_own_test_texts": rows.test is not None,
    }
    name = config.name if known or not rows.files else rows.files[0].stem
    return _task(name, splits, config, origin)


def _source(config: TaskConfig, known: KnownTask | None) -> RowSource:
    preset = known.source if known else RowSource(name=config.name)
    return RowSource(
        name=config.data or preset.name,
        config=config.config or preset.config,
        revision=preset.revision,
        split=config.split or preset.split,
        test_split=config.test_split or preset.test_split,
        text_column=config.text_column or preset.text_column,
        label_column=config.label_column or preset.label_column,
        encoding=config.encoding,
        markers=config.entity_markers,
    )


def _built_in(config: TaskConfig) -> Task:
    train_per_class, test_per_class = BUILT_IN_SIZES[config.name]
    train_per_class = config.train_per_class or train_per_class
    test_per_class = config.test_per_class or test_per_class
    if config.name == "planted":
        # The rarest of the four topics has a share of 0.2.
        rows = _planted_rows(config, 6 * (train_per_class + test_per_class))
    else:
        rows = _sotu_rows()
    splits = split(
        rows,
        seed=config.seed,
        train_per_class=train_per_class,
        test_per_class=test_per_class,
    )
    origin: dict[str, Any] = {"source": config.name}
    if config.name == "planted":
        origin |= {"num_words": config.num_words, "best_accuracy": _planted_best(splits.test)}
    return _task(config.name, splits, config, origin)


def _planted_language() -> Any:
    from hf_apt.data.planted import planted_language

    return planted_language(num_labels=4, label_noise=0.2)


def _planted_rows(config: TaskConfig, num_documents: int) -> LabelledTexts:
    """Documents of the planted language of seed 0, and their topics, one in five at random."""
    from hf_apt.data.planted import document_text, sample_documents

    language = _planted_language()
    documents = sample_documents(language, num_documents, config.num_words, 1000 + config.seed)
    return LabelledTexts(
        "planted",
        [document_text(language, row) for row in documents.words],
        [f"topic {label}" for label in documents.labels],
    )


def _planted_best(test: Examples) -> float:
    """The accuracy on these texts of the most probable class, classes being equally frequent.

    No classifier is better on average.
    """
    from hf_apt.data.planted.labels import label_posteriors, word_indices

    language = _planted_language()
    posteriors_IC = label_posteriors(language, word_indices(language, test.texts))
    likelihoods_IC = posteriors_IC / (language.topic_probs @ language.label_probs)
    return float((likelihoods_IC.argmax(axis=1) == test.labels).mean())


def _sotu_rows() -> LabelledTexts:
    """Paragraphs of the State of the Union addresses and the half century they are from."""
    dated = list(dated_sotu_paragraphs())
    return LabelledTexts(
        "sotu",
        [text for _, text in dated],
        [f"{year // 50 * 50}-{year // 50 * 50 + 49}" for year, _ in dated],
    )


def _task(name: str, splits: Splits, config: TaskConfig, origin: dict[str, Any]) -> Task:
    train = long_tailed(splits.train, config.imbalance, config.seed)
    train = mislabelled(train, config.label_noise, len(splits.label_names), config.seed)
    # Only where they are asked for: figures of plain texts are those of earlier runs.
    asked = {"imbalance": (config.imbalance, 1.0), "label_noise": (config.label_noise, 0.0)}
    origin |= {name: value for name, (value, plain) in asked.items() if value != plain}
    counts_C = np.bincount(train.labels, minlength=len(splits.label_names))
    provenance = origin | {
        "seed": config.seed,
        "num_labels": len(splits.label_names),
        "num_train": len(train),
        "num_test": len(splits.test),
        "smallest_train_class": int(counts_C.min()),
        "largest_train_class": int(counts_C.max()),
        "num_repeated": splits.num_repeated,
        "num_contradictory": splits.num_contradictory,
        "train_fingerprint": train.fingerprint(),
        "test_fingerprint": splits.test.fingerprint(),
    }
    name = re.sub(r"\W+", "_", name)
    return Task(name, train, splits.test, splits.label_names, provenance)
