"""Laws of the first crossing of a curve."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_apt.stats.acquisition.steps_to_reach import steps_to_reach


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.integers(0, 100), min_size=2, max_size=8), target=st.integers(0, 100))
def test_it_is_the_first_point_of_a_fine_grid_that_has_reached_it(values, target) -> None:
    steps_S = np.arange(len(values)) * 10 + 5
    grid = np.linspace(steps_S[0], steps_S[-1], 2000 * (len(values) - 1) + 1)  # with all points
    on_grid = np.interp(grid, steps_S, np.array(values, float))
    reached = np.flatnonzero(on_grid >= target - 1e-9)
    found = steps_to_reach(np.array(values, float), steps_S, target)
    if not len(reached):
        assert math.isnan(found)
    else:
        assert abs(found - grid[reached[0]]) <= 2 * (grid[1] - grid[0])


def test_a_straight_line_is_read_exactly() -> None:
    assert steps_to_reach(np.array([0.0, 1.0]), np.array([0, 40]), 0.25) == 10


def test_what_is_reached_from_the_start_and_what_is_never() -> None:
    assert steps_to_reach(np.array([0.5, 0.1]), np.array([7, 9]), 0.4) == 7
    assert math.isnan(steps_to_reach(np.array([0.5, 0.6]), np.array([7, 9]), 0.7))


def test_a_later_fall_does_not_matter() -> None:
    assert steps_to_reach(np.array([0.0, 0.4, 0.1]), np.array([0, 10, 20]), 0.2) == 5
