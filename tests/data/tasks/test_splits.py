"""Laws of splitting labelled texts: disjoint, balanced, nested, a function of texts and seed."""

import math
import random
from collections import Counter

import numpy as np
import pytest

from hf_apt.data.tasks.splits import Examples, LabelledTexts, Splits, split


def rows(num: int = 20, classes: str = "abc", start: int = 0) -> LabelledTexts:
    """`num` texts a class, class after class."""
    pairs = [(f"{name} text {place}", name) for name in classes for place in range(num)]
    pairs = [(f"{start} {text}", name) for text, name in pairs]
    return LabelledTexts("the file", [text for text, _ in pairs], [name for _, name in pairs])


def relabelled(labels, texts=None, names=()) -> LabelledTexts:
    return LabelledTexts("the file", texts or [f"t{i}" for i in range(len(labels))], labels, names)


def letters(examples: Examples) -> set[str]:
    return {"".join(c for c in text.lower() if c.isalnum()) for text in examples.texts}


def named(splits: Splits) -> set[tuple[str, str]]:
    both = zip(splits.train.texts, splits.train.labels, strict=True)
    return {(text, splits.label_names[label]) for text, label in both}


def test_every_class_has_as_many_texts_as_asked_for_and_no_text_is_in_both():
    splits = split(rows(), seed=1, train_per_class=12, test_per_class=5)
    assert splits.label_names == ("a", "b", "c")
    assert np.bincount(splits.train.labels).tolist() == [12] * 3
    assert np.bincount(splits.test.labels).tolist() == [5] * 3
    assert len(letters(splits.train) | letters(splits.test)) == 51
    assert all(text[2] == name for text, name in named(splits))


def test_the_order_of_rows_changes_nothing_and_the_seed_does():
    source = rows()
    pairs = list(zip(source.texts, source.labels, strict=True))
    random.Random(5).shuffle(pairs)
    shuffled = LabelledTexts("other", [t for t, _ in pairs], [n for _, n in pairs])
    options = {"train_per_class": 8, "test_per_class": 4}
    one, other = (split(given, seed=1, **options) for given in (source, shuffled))
    assert one.train.fingerprint() == other.train.fingerprint()
    assert one.test.texts == other.test.texts
    assert split(source, seed=2, **options).train.fingerprint() != one.train.fingerprint()


def test_a_smaller_training_set_is_part_of_a_larger_one_with_the_same_test():
    small, large = (split(rows(), seed=3, train_per_class=n, test_per_class=5) for n in (4, 11))
    assert set(small.train.texts) < set(large.train.texts)
    assert small.test.texts == large.test.texts


def test_the_choice_is_even_over_places():
    chosen = Counter()
    for seed in range(300):
        splits = split(rows(10, "ab"), seed=seed, train_per_class=1, test_per_class=3)
        chosen.update(splits.test.texts)
    assert len(chosen) == 20
    # Binomial of 300 draws at 0.3: standard deviation 8.
    assert all(abs(count - 90) < 4 * 8 for count in chosen.values())


def test_a_class_with_too_few_has_what_is_left_and_all_without_numbers():
    splits = split(rows(10), seed=1, train_per_class=100, test_per_class=4)
    assert np.bincount(splits.train.labels).tolist() == [6] * 3
    splits = split(rows(20), seed=1)
    assert np.bincount(splits.test.labels).tolist() == [2] * 3
    assert np.bincount(splits.train.labels).tolist() == [18] * 3


def test_own_test_texts_are_used_and_kept_out_of_training():
    train, test = rows(10), rows(6, start=1)
    test = LabelledTexts("t", [*test.texts, train.texts[0].upper() + "!"], [*test.labels, "a"])
    splits = split(train, test, seed=1)
    assert len(splits.test) == 19
    assert len(splits.train) == 29
    assert splits.num_repeated == 1
    assert not letters(splits.train) & letters(splits.test)


def test_repeats_count_once_and_contradictions_not_at_all():
    texts = ["One two.", "one, two", "three", "Four", "four", "five", "six", "seven"]
    labels = ["x", "x", "x", "x", "y", "y", "y", "y"]
    splits = split(relabelled(labels, texts), seed=0, test_per_class=1)
    assert (splits.num_repeated, splits.num_contradictory) == (1, 2)
    assert len(splits.train) + len(splits.test) == 5
    assert "Four" not in splits.train.texts + splits.test.texts


def test_texts_of_one_origin_are_one_text():
    texts = [f"mark{i} {'ab'[i // 8]} {i % 8 // 2}" for i in range(16)]
    source = relabelled(["a"] * 8 + ["b"] * 8, texts)
    origins = [text.split(" ", 1)[1] for text in texts]
    splits = split(
        LabelledTexts("f", texts, source.labels, origins=origins), seed=0, test_per_class=1
    )
    assert len(splits.train) + len(splits.test) == 8
    assert splits.num_repeated == 8


def test_classes_are_in_the_order_of_their_numbers_or_the_alphabet():
    numbers = relabelled([10, 9, 10, 9, 2, 2])
    assert split(numbers, seed=0, test_per_class=1).label_names == ("2", "9", "10")
    names = relabelled([1, 0, 1, 0], names=("zebra", "ant"))
    assert split(names, seed=0, test_per_class=1).label_names == ("zebra", "ant")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (relabelled(["a", None]), "row 1 of the file has no label"),
        (relabelled(["", "b"]), "row 0 of the file has no label"),
        (relabelled([1.0, math.nan]), "label 1.0: a class is a text or an integer, not float"),
        (relabelled([math.nan, 1.0]), "row 0 of the file has no label"),
        (relabelled([True, False]), "not bool"),
        (relabelled([0, -1]), "withheld"),
        (relabelled(["a", 1]), "texts and integers at once"),
        (relabelled(["a", "a"]), "has 1 class"),
        (relabelled([]), "has 0 class"),
        (relabelled(["a", "b"], ["t", "  "]), "row 1 of the file has no text"),
        (relabelled(["a", "b"], ["t", None]), "row 1 of the file has no text"),
        (relabelled(["a", "b"]), "class 'a' of the file has 1 different texts"),
        (relabelled(["a", "a", "b", "b"], ["t", "u", "T", "v"]), "class 'a'"),
    ],
)
def test_what_makes_no_task_is_told_in_a_sentence(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        split(given, seed=0, test_per_class=1)


def test_a_label_of_test_alone_is_refused():
    with pytest.raises(ValueError, match="label 'd' of the file occurs in test and never in train"):
        split(rows(5), rows(5, "abd", start=1), seed=0)


@pytest.mark.parametrize("number", [0, -3])
def test_numbers_below_one_are_refused(number):
    with pytest.raises(ValueError, match="at least 1"):
        split(rows(), seed=0, train_per_class=number)
