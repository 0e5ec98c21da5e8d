"""The sentences of a few-shot comparison: what each repetition learns from, and what tests all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_apt.records.fingerprints import file_fingerprint
from hf_apt.spans.few_shot import few_shot
from hf_apt.spans.mentions import Sentence, labels_of
from hf_apt.spans.ner_config import NerConfig
from hf_apt.spans.tagged_files import read_tagged


@dataclass(frozen=True)
class NerTask:
    """Sentences with names, drawn."""

    name: str
    """Name of the data."""

    labels: tuple[str, ...]
    """The types of the sentences to learn from, sorted."""

    train: tuple[tuple[Sentence, ...], ...]
    """What each repetition learns from."""

    test: tuple[Sentence, ...]
    """What all are tested with; none of them is learnt from."""

    provenance: dict[str, Any]
    """Files, fingerprints, sizes and what was left out, in plain JSON."""


def open_ner(data: str, config: NerConfig) -> NerTask:
    """The sentences of `data`, drawn as `config` says.

    Where the source keeps no sentences for testing, those that no repetition learns from test.

    Raises ValueError for what cannot be read, for types of fewer mentions than shots or that occur
    in testing alone, and where nothing is left to test with.
    """
    read = read_tagged(data, tokens_column=config.tokens_column, tags_column=config.tags_column)
    labels = labels_of(read.train)
    if not labels:
        raise ValueError(f"{data} has no mention to learn from: all its tags are O.")
    train, drawn = [], set()
    for number in range(config.num_draws):
        chosen = list(range(len(read.train)))
        if config.num_shots:
            chosen = few_shot(read.train, config.num_shots, seed=config.finetune.seed + number)
        drawn |= set(chosen)
        train.append(tuple(read.train[index] for index in chosen))
    test = read.test or [each for index, each in enumerate(read.train) if index not in drawn]
    unknown = sorted(set(labels_of(test)) - set(labels))
    if unknown:
        raise ValueError(
            f"mentions of the type {unknown[0]!r} occur in testing and none to learn from: "
            "no model could find them; take them out, or put some into training."
        )
    if not labels_of(test):
        raise ValueError(f"{data} leaves no mention to test with: keep some sentences apart.")
    chosen = np.arange(len(test))
    if config.test_sentences is not None and config.test_sentences < len(test):
        generator = np.random.default_rng([config.finetune.seed, len(test)])
        chosen = np.sort(generator.choice(len(test), size=config.test_sentences, replace=False))
    tested = tuple(test[index] for index in chosen)
    provenance = {
        "source": [file.name for file in read.files],
        "file_fingerprints": [file_fingerprint(file) for file in read.files],
        "has_own_test_sentences": bool(read.test),
        "num_train_sentences": [len(each) for each in train],
        "num_train_mentions": [sum(len(one.mentions) for one in each) for each in train],
        "num_test_sentences": len(tested),
        "num_test_mentions": sum(len(each.mentions) for each in tested),
        "num_too_long_to_find": sum(
            end - start > config.max_span_words
            for each in tested
            for start, end, _ in each.mentions
        ),
        "num_of_other_splits": read.num_left_out,
    }
    name = re.sub(r"\W+", "_", read.files[0].stem if len(read.files) == 1 else _folder(data))
    return NerTask(name, labels, tuple(train), tested, provenance)


def _folder(data: str) -> str:
    return re.sub(r"\W+", "_", data).strip("_")[-60:] or "sentences"
