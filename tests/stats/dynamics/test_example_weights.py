"""Weights of examples by hand."""

import numpy as np
import pytest

from hf_apt.stats.dynamics.example_weights import (
    co_training_weights,
    filter_weights,
    threshold_weights,
)
from hf_apt.stats.dynamics.training_dynamics import DynamicsRecord


def record(*rows: list[float]) -> DynamicsRecord:
    probability_EN = np.array(rows)
    return DynamicsRecord(probability_EN, probability_EN > 0.5, np.arange(len(rows)))


STEADY_SURE_WAVERING_WRONG = record([0.6, 0.8, 0.2, 0.1], [0.6, 0.9, 0.8, 0.1])
"""Confidences 0.6, 0.85, 0.5, 0.1; variabilities 0, 0.05, 0.3, 0."""


def test_the_first_trusts_what_is_steady_and_the_second_keeps_what_wavers():
    first, second = (co_training_weights(STEADY_SURE_WAVERING_WRONG, side) for side in (0, 1))
    assert first == pytest.approx([0.5 / 0.7, 1.0, 0.1 / 0.7, 0.0])
    assert second == pytest.approx([0.5 / 0.8, 1.0, 0.7 / 0.8, 0.0])


def test_where_all_are_alike_all_weigh_one():
    for side in (0, 1):
        assert list(co_training_weights(record([0.3, 0.3], [0.3, 0.3]), side)) == [1.0, 1.0]


def test_a_threshold_asks_for_the_last_probability():
    assert list(threshold_weights(STEADY_SURE_WAVERING_WRONG)) == [1, 1, 1, 0]
    assert list(threshold_weights(STEADY_SURE_WAVERING_WRONG, 0.85)) == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("dropped", "kept"), [(0.1, [1, 1, 1, 1]), (0.25, [1, 1, 1, 0]), (0.5, [1, 1, 0, 0])]
)
def test_a_filter_drops_the_least_confident(dropped, kept):
    assert list(filter_weights(STEADY_SURE_WAVERING_WRONG, dropped)) == kept
