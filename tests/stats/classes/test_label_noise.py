"""Wrong labels by prototypes: against a loop, and known answers."""

import math

import numpy as np
import pytest

from hf_apt.stats.classes.label_noise import detection, label_margins, most_suspect, suspects


def planted(num: int = 60, rate: float = 0.2, spread: float = 0.5):
    """Blobs of three classes, with labels of which a share is wrong."""
    rng = np.random.default_rng(0)
    true = np.arange(num) % 3
    features = 3 * np.eye(3)[true] + spread * rng.normal(size=(num, 3))
    wrong = np.zeros(num, bool)
    wrong[rng.permutation(num)[: round(rate * num)]] = True
    return features, np.where(wrong, (true + 1) % 3, true), wrong


def cosine(first, second) -> float:
    return float(first @ second / math.sqrt((first @ first) * (second @ second)))


def minus_half_squared(first, second) -> float:
    """Of these, differences are those of squared distances: the own length falls out."""
    return float(first @ second - second @ second / 2)


@pytest.mark.parametrize(("kind", "near"), [("cosine", cosine), ("euclidean", minus_half_squared)])
@pytest.mark.parametrize("num_rounds", [1, 2])
def test_margins_are_those_of_a_loop(kind, near, num_rounds):
    features, labels, _ = planted(num=24)
    counted = [True] * 24
    for _ in range(num_rounds):
        expected = []
        for at, row in enumerate(features):
            means = [
                np.mean(
                    [
                        features[other]
                        for other in range(24)
                        if labels[other] == label and counted[other] and other != at
                        # The text itself is in no other class's mean anyway.
                    ],
                    axis=0,
                )
                for label in range(3)
            ]
            own = near(row, means[labels[at]])
            rest = max(near(row, means[label]) for label in range(3) if label != labels[at])
            expected.append(own - rest)
        counted = [each >= 0 for each in expected]
    assert label_margins(features, labels, kind, num_rounds=num_rounds) == pytest.approx(expected)


def test_wrong_labels_of_classes_far_apart_are_all_of_the_suspects():
    features, labels, wrong = planted(spread=0.2)
    outcome = detection(suspects(label_margins(features, labels)), wrong)
    assert (outcome.precision, outcome.recall, outcome.num_suspects) == (1.0, 1.0, 12)
    assert outcome.share_wrong == 0.2
    assert (most_suspect(label_margins(features, labels), 0.2) == wrong).all()


def test_features_that_know_nothing_find_nothing():
    """Then suspects are wrong as often as all labels are."""
    rng = np.random.default_rng(1)
    _, labels, wrong = planted(num=3000)
    margins = label_margins(rng.normal(size=(3000, 5)), labels)
    outcome = detection(most_suspect(margins, 0.3), wrong)
    assert outcome.precision == pytest.approx(0.2, abs=0.04)
    assert outcome.recall == pytest.approx(0.3, abs=0.06)


def test_known_answers():
    is_wrong = np.array([True, True, False, False, False])
    outcome = detection(np.array([True, False, True, True, False]), is_wrong)
    assert (outcome.precision, outcome.recall) == (1 / 3, 1 / 2)
    none = detection(np.zeros(5, bool), is_wrong)
    assert math.isnan(none.precision)
    assert none.recall == 0
    assert math.isnan(detection(is_wrong, np.zeros(5, bool)).recall)
    assert most_suspect(np.array([0.3, -1.0, 0.2]), 2 / 3).tolist() == [False, True, True]
    alone = label_margins(np.eye(3), np.array([0, 0, 1]))
    assert alone[2] == -math.inf
    assert np.isfinite(alone[:2]).all()


def test_a_class_of_suspects_alone_keeps_its_prototype():
    features = np.array([[1.0, 0], [1, 0.1], [1, 0.2], [1, 0.05], [1, 0.15]])
    labels = np.array([0, 0, 0, 1, 1])
    assert np.isfinite(label_margins(features, labels, num_rounds=3)).all()


def test_what_does_not_fit_is_told_in_a_sentence():
    with pytest.raises(ValueError, match="3 texts came with 3 labels of 1 classes"):
        label_margins(np.eye(3), np.zeros(3, int))
    with pytest.raises(ValueError, match=r"a share of 1\.5 suspects: give a number from 0 to 1"):
        most_suspect(np.zeros(3), 1.5)
