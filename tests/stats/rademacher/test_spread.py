"""Known effective ranks and cosines."""

import itertools
import math

import numpy as np
import pytest

from hf_apt.stats.rademacher.spread import effective_rank, mean_cosine


def test_effective_ranks_that_are_known():
    assert effective_rank(np.eye(5)) == pytest.approx(5.0)
    assert effective_rank(np.outer([1.0, -2.0, 3.0], [1.0, 1.0])) == pytest.approx(1.0)
    # Singular values 3 and 1: the entropy of (3/4, 1/4).
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_rank(np.diag([3.0, 1.0])) == pytest.approx(math.exp(entropy))
    assert math.isnan(effective_rank(np.zeros((2, 2))))
    rows = np.random.default_rng(0).normal(size=(9, 4))
    assert effective_rank(7 * rows) == pytest.approx(effective_rank(rows))


def test_the_mean_cosine_is_that_of_all_pairs():
    rows = np.random.default_rng(0).normal(size=(6, 3)) + 1
    cosines = [
        a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in itertools.combinations(rows, 2)
    ]
    assert mean_cosine(rows) == pytest.approx(np.mean(cosines), abs=1e-10)
    assert mean_cosine(np.vstack([rows, np.zeros(3)])) == pytest.approx(np.mean(cosines), abs=1e-10)
    assert mean_cosine(np.array([[1.0, 0.0], [-3.0, 0.0]])) == -1.0
    assert math.isnan(mean_cosine(np.eye(2)[:1]))
