"""Laws of groups of neighbours."""

import numpy as np
import pytest

from hf_apt.stats.measures.text_groups import NUM_GROUPS, groups_of_neighbours


@pytest.mark.parametrize("num", [1, 2, 19, 20, 21, 399, 12345])
def test_every_group_is_a_stretch_and_none_is_larger_by_more_than_one(num):
    groups_N = groups_of_neighbours(np.arange(num), num)
    assert (np.diff(groups_N) >= 0).all()
    numbers, sizes = np.unique(groups_N, return_counts=True)
    assert numbers.tolist() == list(range(min(num, NUM_GROUPS)))
    assert sizes.max() - sizes.min() <= 1


def test_a_group_does_not_depend_on_which_numbers_are_asked_about():
    every_N = groups_of_neighbours(np.arange(50), 50, num_groups=7)
    some = np.array([3, 49, 3, 17])
    assert groups_of_neighbours(some, 50, num_groups=7).tolist() == every_N[some].tolist()
