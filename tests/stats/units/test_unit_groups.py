"""Groups of units against planted ones, and figures of groups against loops."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from hf_apt.stats.units.unit_groups import (
    activation_groups,
    purity,
    random_groups,
    spread_within,
)

PLANTED = np.random.default_rng(3).permutation(np.repeat(np.arange(3), (20, 7, 13)))


def planted(noise: float = 0.1, num_inputs: int = 30) -> np.ndarray:
    """Activations (N, U) of units of three patterns, and noise."""
    generator = np.random.default_rng(0)
    patterns = generator.normal(size=(num_inputs, 3))
    return patterns[:, PLANTED] + noise * generator.normal(size=(num_inputs, len(PLANTED)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_groups_are_recovered(seed):
    groups = activation_groups(planted(), 3, seed=seed)
    assert adjusted_rand_score(PLANTED, groups) == 1.0
    assert purity(groups, PLANTED) == 1.0
    assert spread_within(planted(), groups) < 0.02
    assert np.array_equal(activation_groups(planted(), 3, seed=seed), groups)


def test_groups_are_numbered_by_their_first_unit():
    groups = activation_groups(planted(), 3, seed=0)
    _, first = np.unique(groups, return_index=True)
    assert list(first) == sorted(first)
    assert groups[0] == 0


@pytest.mark.parametrize("num_groups", [40, 41, 1000])
def test_with_as_many_groups_as_units_each_is_alone(num_groups):
    assert np.array_equal(activation_groups(planted(), num_groups, seed=0), np.arange(40))


def test_units_that_are_the_same_are_one_group_without_a_warning(recwarn):
    same = planted()[:, np.repeat(np.arange(4), 5)]
    groups = activation_groups(same, 7, seed=0)
    assert adjusted_rand_score(groups, np.repeat(np.arange(4), 5)) == 1.0
    assert not recwarn.list


def test_one_group_holds_all():
    assert not activation_groups(planted(), 1, seed=0).any()


def test_random_groups_have_the_same_sizes_and_other_units():
    groups = activation_groups(planted(), 3, seed=0)
    drawn = random_groups(groups, seed=1)
    assert sorted(np.bincount(drawn)) == sorted(np.bincount(groups))
    assert abs(adjusted_rand_score(groups, drawn)) < 0.2
    assert np.array_equal(drawn, random_groups(groups, seed=1))
    assert not np.array_equal(drawn, random_groups(groups, seed=2))
    assert spread_within(planted(), drawn) > 0.8


def test_the_spread_within_is_that_of_a_loop():
    activations, groups = planted(1.0), random_groups(PLANTED, seed=0)
    total = within = 0.0
    for unit in range(len(PLANTED)):
        members = [other for other in range(len(PLANTED)) if groups[other] == groups[unit]]
        for row in activations:
            within += (row[unit] - sum(row[other] for other in members) / len(members)) ** 2
            total += (row[unit] - sum(row) / len(row)) ** 2
    assert spread_within(activations, groups) == pytest.approx(within / total)
    assert spread_within(activations, np.arange(len(PLANTED))) == 0.0
    assert spread_within(activations, np.zeros(len(PLANTED), int)) == pytest.approx(1.0)
    assert np.isnan(spread_within(np.ones((3, 4)), np.zeros(4, int)))


def test_purity_of_groups_that_say_nothing():
    assert purity(np.zeros(4, int), np.array([0, 0, 1, 1])) == 0.5
    assert purity(np.arange(4), np.array([0, 0, 1, 1])) == 1.0
