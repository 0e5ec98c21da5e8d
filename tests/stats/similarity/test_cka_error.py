"""Laws of the error of CKA over documents: that of recomputing it without each group."""

import math

import numpy as np
import pytest

from hf_apt.stats.similarity.cka import linear_cka
from hf_apt.stats.similarity.cka_error import linear_cka_estimate


def documents_of(generator, num: int, correlation: float = 0.6):
    """States (X, Y, labels) of `num` documents of 3 to 8 rows, which have much in common."""
    X, Y, labels = [], [], []
    for number in range(num):
        size = generator.integers(3, 9)
        own = 2.0 * generator.normal(size=4)
        x = own + generator.normal(size=(size, 4))
        X.append(x)
        Y.append(
            correlation * x[:, :3] + generator.normal(size=3) + generator.normal(size=(size, 3))
        )
        labels += [f"document {number}"] * size
    return np.concatenate(X), np.concatenate(Y), labels


def slow_error(X, Y, groups_N, debiased) -> float:
    """By `linear_cka` of what is left, one group after the other."""
    left = [
        linear_cka(X[groups_N != group], Y[groups_N != group], debiased)
        for group in np.unique(groups_N)
    ]
    num = len(left)
    return math.sqrt((num - 1) / num * sum((each - sum(left) / num) ** 2 for each in left))


@pytest.mark.parametrize("debiased", [True, False])
@pytest.mark.parametrize("num", [7, 45])
def test_the_error_is_that_of_recomputing_without_each_group(num, debiased):
    X, Y, labels = documents_of(np.random.default_rng(num), num)
    estimate = linear_cka_estimate(X + 100, Y - 50, labels, debiased)
    groups_N = np.array([int(label.split()[1]) * min(20, num) // num for label in labels])
    assert estimate.value == pytest.approx(linear_cka(X, Y, debiased), abs=1e-9)
    assert estimate.standard_error == pytest.approx(slow_error(X, Y, groups_N, debiased), rel=1e-6)
    assert estimate.num == len(X)


def test_the_order_of_rows_and_the_words_of_labels_do_not_matter():
    X, Y, labels = documents_of(np.random.default_rng(1), 12)
    estimate = linear_cka_estimate(X, Y, labels)
    order = np.argsort([f"{len(label)}{label}" for label in labels], kind="stable")
    numbers = [int(labels[place].split()[1]) for place in order]
    again = linear_cka_estimate(X[order], Y[order], numbers)
    assert again.standard_error == pytest.approx(estimate.standard_error, rel=1e-9)


def test_nine_in_ten_intervals_hold_the_value():
    """95 % intervals of 60 documents hold what many documents have in at least 88 of 100 texts.

    Rows of a document are far from independent: errors of single rows would be too small by half.
    """
    generator, shuffle = np.random.default_rng(2), np.random.default_rng(3)
    true = linear_cka(*documents_of(generator, 20_000)[:2])
    estimates, by_row = [], []
    for _ in range(100):
        X, Y, labels = documents_of(generator, 60)
        estimates.append(linear_cka_estimate(X, Y, labels))
        order = shuffle.permutation(len(X))  # neighbouring rows are of one document
        by_row.append(linear_cka_estimate(X[order], Y[order], range(len(X))).standard_error)
    held = [abs(each.value - true) <= 2.09 * each.standard_error for each in estimates]
    assert 88 <= sum(held) <= 100
    spread = np.std([each.value for each in estimates])
    assert np.mean([each.standard_error for each in estimates]) == pytest.approx(spread, rel=0.2)
    assert np.mean(by_row) < 0.8 * spread


def test_where_there_is_no_error_it_is_nan():
    X, Y, _ = documents_of(np.random.default_rng(3), 3)
    assert math.isnan(linear_cka_estimate(X, Y, ["one"] * len(X)).standard_error)
    assert math.isnan(linear_cka_estimate(X[:5], Y[:5], [0, 1, 1, 1, 1]).standard_error)
    assert math.isnan(linear_cka_estimate(X, np.ones((len(X), 2)), range(len(X))).value)
    assert linear_cka_estimate(X, 2 * X, range(len(X))).standard_error == pytest.approx(
        0, abs=1e-12
    )


def test_what_has_no_cka_is_refused():
    X, Y, labels = documents_of(np.random.default_rng(4), 3)
    for given, words in (
        ((X, Y, labels[1:]), f"{len(X) - 1} labels of documents and {len(X)} rows"),
        ((X, Y[1:], labels), f"X has {len(X)} rows and Y {len(X) - 1}"),
        ((X[:3], Y[:3], labels[:3]), "4 rows at least"),
        ((X, Y[:, 0], labels), "Y must have two axes"),
    ):
        with pytest.raises(ValueError, match=words):
            linear_cka_estimate(*given)
