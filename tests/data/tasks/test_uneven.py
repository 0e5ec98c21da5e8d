"""Long tails and wrong labels: sizes by the formula, exact shares, the test untouched."""

from dataclasses import replace

import numpy as np
import pytest

from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.data.tasks.uneven import long_tailed, mislabelled

PLANTED = TaskConfig(name="planted", train_per_class=50, test_per_class=10, num_words=6)


def even(per_class: int = 100, num_classes: int = 5) -> Examples:
    labels = np.repeat(np.arange(num_classes), per_class)
    return Examples(tuple(f"text {at}" for at in range(len(labels))), labels)


def test_sizes_fall_exponentially_between_the_largest_and_the_smallest():
    sizes = np.bincount(long_tailed(even(), 16, seed=0).labels)
    # 100 times 1, 1/2, 1/4, 1/8, 1/16, in whatever order.
    assert sorted(sizes, reverse=True) == [100, 50, 25, 12, 6]
    assert sorted(np.bincount(long_tailed(even(num_classes=2), 100, 3).labels)) == [1, 100]


def test_the_seed_alone_says_which_class_is_rare():
    by_seed = [long_tailed(even(), 16, seed=seed) for seed in range(8)]
    assert long_tailed(even(), 16, seed=3).texts == by_seed[3].texts
    rarest = {int(np.bincount(each.labels).argmin()) for each in by_seed}
    assert len(rarest) > 2


def test_the_first_texts_of_a_class_are_kept_in_their_order():
    whole, tailed = even(), long_tailed(even(), 16, seed=0)
    assert (np.diff(tailed.labels) >= 0).all()
    for label, size in enumerate(np.bincount(tailed.labels)):
        of_class = [
            text for text, each in zip(tailed.texts, tailed.labels, strict=True) if each == label
        ]
        assert tuple(of_class) == whole.texts[100 * label : 100 * label + size]


def test_the_largest_class_is_as_large_as_all_can_be():
    labels = np.array([0] * 80 + [1] * 20 + [2] * 70)
    examples = Examples(tuple(map(str, range(len(labels)))), labels)
    for seed in range(6):
        sizes = np.bincount(long_tailed(examples, 4, seed).labels)
        assert sorted(sizes) == [5, 10, 20]


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.013])
def test_exactly_the_share_is_wrong_and_any_other_class_is_alike(rate):
    examples = even(per_class=400)
    noisy = mislabelled(examples, rate, 5, seed=0)
    wrong = noisy.labels != examples.labels
    assert wrong.sum() == round(rate * 2000)
    assert noisy.texts == examples.texts
    steps = np.bincount((noisy.labels - examples.labels)[wrong] % 5, minlength=5)[1:]
    assert (np.abs(steps - wrong.sum() / 4) < 4 * np.sqrt(wrong.sum() / 4)).all()
    by_class = np.bincount(examples.labels[wrong], minlength=5)
    assert (np.abs(by_class - wrong.sum() / 5) < 4 * np.sqrt(wrong.sum() / 5)).all()
    assert (mislabelled(examples, rate, 5, seed=0).labels == noisy.labels).all()
    assert (mislabelled(examples, rate, 5, seed=1).labels != noisy.labels).any()


def test_without_them_texts_are_the_same_object():
    examples = even()
    assert long_tailed(examples, 1, seed=0) is examples
    assert mislabelled(examples, 0.0, 5, seed=0) is examples


def test_a_task_has_both_and_says_so():
    plain = open_task(PLANTED)
    assert not {"imbalance", "label_noise"} & set(plain.provenance)
    uneven = open_task(replace(PLANTED, imbalance=10, label_noise=0.2))
    assert uneven.provenance["imbalance"] == 10
    assert uneven.provenance["label_noise"] == 0.2
    assert uneven.provenance["num_train"] == len(uneven.train) < len(plain.train)
    assert uneven.provenance["train_fingerprint"] == uneven.train.fingerprint()
    assert uneven.test.fingerprint() == plain.test.fingerprint()
    assert np.bincount(uneven.test.labels).tolist() == [10] * 4
    # The same texts as without noise, so that what is wrong can be told.
    clean = open_task(replace(PLANTED, imbalance=10))
    assert clean.train.texts == uneven.train.texts
    assert (clean.train.labels != uneven.train.labels).sum() == round(0.2 * len(clean.train))
    sizes = np.bincount(clean.train.labels)
    smallest = np.bincount(plain.train.labels).min()
    assert (sizes.max(), sizes.min()) == (smallest, round(smallest / 10))
    assert clean.provenance["smallest_train_class"] == sizes.min()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"imbalance": 0.5}, r"an imbalance of 0\.5: give how many times larger"),
        ({"imbalance": float("nan")}, "an imbalance of nan"),
        ({"label_noise": 1.0}, r"a label noise of 1\.0: give the share of training texts"),
        ({"label_noise": -0.1}, r"a label noise of -0\.1"),
    ],
)
def test_settings_that_are_none_are_refused(changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(PLANTED, **changed)


def test_a_class_without_a_text_is_refused():
    with pytest.raises(
        ValueError, match="imbalance of 1000 the 100 texts that every class has leave"
    ):
        long_tailed(even(), 1000, seed=0)
