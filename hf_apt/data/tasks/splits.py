"""Labelled texts divided into training and test: a function of the texts and a seed alone.

The seed and the letters of the texts put them in an order. A class's first texts in that order are
its test texts and the next ones its training texts. So the order of the rows in a file changes
nothing, and a smaller training set is a part of a larger one.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

Label = str | int
Row = tuple[str, int]
"""A text and its class."""

_TEST_SHARE = 0.1


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with a label each, as a source has them."""

    name: str
    """Name of the source in messages."""

    texts: Sequence[str]
    """Text of each row."""

    labels: Sequence[Label]
    """Label of each row: all texts, or all integers."""

    label_names: tuple[str, ...] = ()
    """Names of the labels 0, 1, ... where the source gives them."""

    origins: Sequence[str] = ()
    """What each text was made from, where that is not the text itself."""

    called: str = "text"
    """What one of them is called in messages."""


@dataclass(frozen=True)
class Examples:
    """Texts of one split, class after class unless labels were made wrong."""

    texts: tuple[str, ...]
    """Text of each example."""

    labels: Int[np.ndarray, " texts"]
    """Class of each example, int64, from 0."""

    def __len__(self) -> int:
        return len(self.texts)

    def fingerprint(self) -> str:
        """A short hash of texts and labels in their order."""
        digest = hashlib.sha256(self.labels.tobytes())
        for text in self.texts:
            digest.update(text.encode() + b"\0")
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Splits:
    """Training and test examples of the same classes."""

    train: Examples
    """Examples to learn from."""

    test: Examples
    """Examples to test with; no text of theirs is in `train`."""

    label_names: tuple[str, ...]
    """Names of the classes, by number."""

    num_repeated: int
    """Rows left out because their text had occurred before."""

    num_contradictory: int
    """Rows left out because their text has two labels."""


def split(
    rows: LabelledTexts,
    test_rows: LabelledTexts | None = None,
    *,
    seed: int,
    train_per_class: int | None = None,
    test_per_class: int | None = None,
) -> Splits:
    """`train_per_class` training and `test_per_class` test texts of every class.

    Test texts come from `test_rows` if there are any, else from `rows`. Where a class has too few
    training texts, it has all that are left; None takes all, and a tenth for test where the source
    has no test texts of its own. Texts of the same letters and digits count as one; a text with two
    labels is left out.

    Raises ValueError for a label that is missing or no class, an empty text, a single class, a
    class in test only, and too few texts.
    """
    for number in (train_per_class, test_per_class):
        if number is not None and number < 1:
            raise ValueError(f"a class needs at least 1 {rows.called} in each split, got {number}.")
    names = _label_names(rows, test_rows)
    pool = _Distinct(rows, names, seed)
    tests = pool if test_rows is None else _Distinct(test_rows, names, seed)
    num_shared = len(pool.leave_out(tests)) if tests is not pool else 0
    train: list[Row] = []
    test: list[Row] = []
    for label, label_name in enumerate(names):
        own, candidates = pool.of_class(label), tests.of_class(label)
        num_test = test_per_class or (
            max(len(candidates), 1) if tests is not pool else max(round(len(own) * _TEST_SHARE), 1)
        )
        left = own if tests is not pool else own[num_test:]
        if len(candidates) < num_test or not left:
            raise ValueError(
                f"the class {label_name!r} of {rows.name} has {len(candidates)} different "
                f"{rows.called}s to test with, {num_test} are asked for, and {len(left)} remain to "
                "train with."
            )
        test += candidates[:num_test]
        train += left[:train_per_class]
    sources = {id(source): source for source in (pool, tests)}.values()
    return Splits(
        _examples(train),
        _examples(test),
        names,
        sum(source.num_repeated for source in sources) + num_shared,
        sum(source.num_contradictory for source in sources),
    )


class _Distinct:
    """The different texts of a source in the order of a seed."""

    def __init__(self, rows: LabelledTexts, names: tuple[str, ...], seed: int):
        number = {name: index for index, name in enumerate(names)}
        rows_of: dict[str, set[Row]] = {}
        num_rows: Counter[str] = Counter()
        origins = rows.origins or rows.texts
        for place, (text, label) in enumerate(zip(rows.texts, rows.labels, strict=True)):
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"row {place} of {rows.name} has no text.")
            letters = letters_of(origins[place])
            rows_of.setdefault(letters, set()).add((text, number[_name_of(label, rows)]))
            num_rows[letters] += 1
        clear = [key for key, same in rows_of.items() if len({label for _, label in same}) == 1]
        num_clear = sum(num_rows[key] for key in clear)
        self.num_repeated = num_clear - len(clear)
        self.num_contradictory = num_rows.total() - num_clear
        salt = seed.to_bytes(8, "little", signed=True)
        # Of texts that differ in their punctuation only, the first in the alphabet.
        self._by_letters = {
            key: min(rows_of[key])
            for key in sorted(
                clear, key=lambda key: hashlib.blake2b(key.encode(), salt=salt).digest()
            )
        }

    def leave_out(self, other: _Distinct) -> set[str]:
        """Drop the texts that `other` also has, and return their letters."""
        shared = self._by_letters.keys() & other._by_letters.keys()
        for letters in shared:
            del self._by_letters[letters]
        return shared

    def of_class(self, label: int) -> list[Row]:
        """The texts of one class, in order."""
        return [row for row in self._by_letters.values() if row[1] == label]


def letters_of(text: str) -> str:
    """The letters and digits of a text, by which texts count as one; all of it if it has none."""
    return re.sub(r"\W+", "", text.lower()) or text


def _label_names(rows: LabelledTexts, test_rows: LabelledTexts | None) -> tuple[str, ...]:
    """The classes that have a training text, in the order of their numbers or of the alphabet."""
    present = _present(rows)
    only_in_test = (_present(test_rows) if test_rows else set()) - present
    if only_in_test:
        raise ValueError(
            f"the label {min(only_in_test, key=str)!r} of {rows.name} occurs in test and never in "
            "training: no classifier can know it."
        )
    if len(present) < 2:
        raise ValueError(
            f"{rows.name} has {len(present)} class: there is nothing to tell apart, give two or "
            "more."
        )
    ordered = sorted(
        present, key=lambda label: (label if isinstance(label, int) else 0, str(label))
    )
    return tuple(_name_of(label, rows) for label in ordered)


def _present(rows: LabelledTexts) -> set[Label]:
    for place, label in enumerate(rows.labels):
        if label is None or label == "" or label != label:  # NaN is not itself
            raise ValueError(f"row {place} of {rows.name} has no label.")
        if isinstance(label, bool) or not isinstance(label, (str, int)):
            raise ValueError(
                f"row {place} of {rows.name} has the label {label!r}: a class is a text or an "
                f"integer, not {type(label).__name__}."
            )
        if isinstance(label, int) and label < 0:
            raise ValueError(
                f"row {place} of {rows.name} has the label {label}: the labels of this split seem "
                "to be withheld, choose another one."
            )
    if len({type(label) for label in rows.labels}) > 1:
        raise ValueError(f"the labels of {rows.name} are texts and integers at once.")
    return set(rows.labels)


def _name_of(label: Label, rows: LabelledTexts) -> str:
    if isinstance(label, int) and label < len(rows.label_names):
        return rows.label_names[label]
    return str(label)


def _examples(rows: list[Row]) -> Examples:
    return Examples(
        tuple(text for text, _ in rows), np.array([label for _, label in rows], np.int64)
    )
