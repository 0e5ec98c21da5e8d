"""LEEP against its definition, written out slowly, and against answers that are known."""

import math

import numpy as np
import pytest

from hf_apt.stats.transfer.leep import leep, leep_in_parts


def test_leep_is_its_definition():
    rng = np.random.default_rng(0)
    source, labels = rng.dirichlet([0.3] * 5, size=40), rng.integers(0, 3, 40)
    joint = [[0.0] * 5 for _ in range(3)]
    for row, label in zip(source, labels, strict=True):
        for place in range(5):
            joint[label][place] += row[place] / 40
    total = 0.0
    for row, label in zip(source, labels, strict=True):
        expected = 0.0
        for place in range(5):
            marginal = sum(joint[other][place] for other in range(3))
            expected += joint[label][place] / marginal * row[place]
        total += math.log(expected)
    assert leep(source, labels) == pytest.approx(total / 40)


def test_leep_is_zero_for_the_class_itself_and_minus_the_entropy_for_nothing():
    labels = np.arange(30) % 3
    assert leep(np.eye(3)[labels][:, [2, 0, 1]], labels) == 0
    assert leep(np.full((30, 4), 0.25), labels) == pytest.approx(-math.log(3))
    assert leep(np.c_[np.ones(30), np.zeros(30)], labels) == pytest.approx(-math.log(3))


def test_leep_in_parts_is_leep():
    rng = np.random.default_rng(3)
    source, labels = rng.dirichlet([0.2] * 7, size=23).astype(np.float32), rng.integers(0, 4, 23)
    in_parts = leep_in_parts(lambda: np.array_split(source, 6), labels)
    assert in_parts == pytest.approx(leep(source, labels), abs=1e-12)


@pytest.mark.parametrize(
    ("source", "num_labels", "message"),
    [
        (np.full((4, 2), 0.5), 3, "3 labels came with another number of rows"),
        (np.full((4, 2), 0.5), 5, "5 labels came with another number of rows"),
        (np.array([[0.5, 0.5], [3.0, 4.0]]), 2, "does not add up to 1"),
        (np.array([[1.5, -0.5], [1.0, 0.0]]), 2, "a row is negative"),
        (np.array([[np.nan, 1.0], [1.0, 0.0]]), 2, "not finite"),
        (np.zeros((0, 2)), 0, "there is none"),
    ],
)
def test_leep_refuses_what_is_no_probability(source, num_labels, message):
    with pytest.raises(ValueError, match=message):
        leep(source, np.arange(num_labels) % 2)
