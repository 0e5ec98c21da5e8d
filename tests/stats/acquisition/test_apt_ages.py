"""Laws of ages by accuracy, and of forgetting."""

import numpy as np
import pytest

from hf_apt.stats.acquisition.apt_ages import apt_ages, forgetting, is_learnt

STEPS = np.array([0, 10, 30, 100, 300])


def slow_age(curve) -> float:
    """The first step from which all later values are above half the last one."""
    for index, step in enumerate(STEPS):
        if all(value > curve[-1] / 2 for value in curve[index:]):
            return float(step)
    return float("nan")


def test_ages_are_those_of_a_loop():
    apt_SDV = np.random.default_rng(0).random((5, 3, 200)).round(1)
    found = apt_ages(apt_SDV, STEPS)
    slow = [[slow_age(apt_SDV[:, depth, token]) for token in range(200)] for depth in range(3)]
    assert found == pytest.approx(np.array(slow), nan_ok=True)
    assert len(np.unique(found[~np.isnan(found)])) == 5


def test_what_is_known_from_the_start_has_the_first_step():
    assert apt_ages(np.full((5, 1, 1), 0.7), STEPS).tolist() == [[0.0]]


def test_what_is_never_right_in_the_end_has_no_age():
    curves = np.array([[0.5, 0.5, 0.5, 0.5, 0.0], [0.5, 0.5, 0.5, 0.5, np.nan]]).T[:, None]
    assert np.isnan(apt_ages(curves, STEPS)).all()


def test_forgetting_is_the_loss_since_the_best_step():
    curves = np.array([[0.0, 0.9, 0.4], [0.0, 0.2, 0.8]]).T[:, None]
    assert forgetting(curves) == pytest.approx(np.array([[0.5, 0.0]]))


def test_chance_alone_is_not_learnt():
    support_V = np.array([100, 100, 100, 19, 100])
    apt_DV = np.array([[0.0, 0.03, 0.05, 0.9, np.nan]])
    learnt = is_learnt(apt_DV, support_V, min_support=20)
    assert learnt.tolist() == [[False, False, True, False, False]]
