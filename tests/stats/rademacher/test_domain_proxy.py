"""The proxy against distances that are known, and its laws."""

import math

import numpy as np
import pytest

from hf_apt.stats.rademacher.domain_proxy import domain_proxy


def normal(num: int, shift: float, seed: int, width: int = 5) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(num, width))
    rows[:, 0] += shift
    return rows


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 2.0, 6.0])
def test_two_normal_laws_have_a_known_distance(shift):
    """2 Phi(shift / 2) - 1, which the best linear classifier reaches."""
    proxy = domain_proxy(normal(4000, 0.0, 1), normal(4000, shift, 2))
    distance = math.erf(shift / 2 / math.sqrt(2))
    assert proxy.value == pytest.approx(distance, abs=0.03 + 2 * proxy.standard_error)
    assert proxy.value < distance + 3 * proxy.standard_error


def test_ends_and_symmetry():
    first, second = normal(40, 0.0, 1), normal(40, 100.0, 2)
    assert domain_proxy(first, second).value == 1.0
    assert domain_proxy(first, second).standard_error == 0.0
    alike = domain_proxy(np.ones((40, 3)), np.ones((40, 3)))
    assert alike.value == 0.0
    near = normal(40, 0.7, 3)
    assert domain_proxy(first, near).value == domain_proxy(near, first).value
    assert domain_proxy(first, near).num == 80


def test_units_of_features_do_not_matter():
    first, second = normal(60, 0.0, 1), normal(60, 0.8, 2)
    units = np.array([1e-3, 1.0, 50.0, 7.0, 1e4])
    moved = domain_proxy(first * units + 3, second * units + 3)
    assert moved.value == pytest.approx(domain_proxy(first, second).value)


def test_other_shapes_are_refused():
    for pair in ((np.ones((20, 2)), np.ones((20, 3))), (np.ones((9, 2)), np.ones((9, 2)))):
        with pytest.raises(ValueError, match="cannot be told apart: give two tables of one width"):
            domain_proxy(*pair)
