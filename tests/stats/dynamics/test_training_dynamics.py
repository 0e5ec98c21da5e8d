"""Figures of training dynamics by hand, and what a file of them may be."""

import numpy as np
import pytest

from hf_apt.stats.dynamics.training_dynamics import DynamicsRecord
from hf_apt.stats.pictures.data_map import data_map

KNOWN = DynamicsRecord(
    np.array([[0.2, 0.9, 0.5], [0.6, 0.9, 0.5], [0.7, 0.9, 0.2]], np.float32),
    np.array([[False, True, True], [True, True, False], [True, True, False]]),
    np.array([4, 8, 12]),
)


def test_known_answers():
    assert KNOWN.confidence_N == pytest.approx([0.5, 0.9, 0.4])
    assert KNOWN.variability_N == pytest.approx([np.sqrt(0.14 / 3), 0.0, np.sqrt(0.02)], abs=1e-6)
    assert KNOWN.correctness_N == pytest.approx([2 / 3, 1.0, 1 / 3])
    assert list(KNOWN.to_pandas().iloc[1]) == pytest.approx([0.9, 0.0, 1.0], abs=1e-6)


def test_a_record_grows_epoch_by_epoch_and_is_cut_back():
    record = DynamicsRecord.empty(3)
    for probability_N, is_right_N, step in zip(*vars(KNOWN).values(), strict=True):
        record = record.with_epoch(probability_N, is_right_N, int(step))
    for name, values in vars(KNOWN).items():
        assert np.array_equal(getattr(record, name), values)
    assert list(record.until(9).step_E) == [4, 8]
    assert record.until(9).probability_EN.shape == (2, 3)
    assert record.until(0).probability_EN.shape == (0, 3)


def test_the_picture_has_a_point_for_each_example():
    (axes, bar) = data_map(KNOWN).axes
    points = axes.collections[0]
    expected = np.stack([KNOWN.variability_N, KNOWN.confidence_N], axis=1)
    assert np.asarray(points.get_offsets()) == pytest.approx(expected)
    assert np.asarray(points.get_array()) == pytest.approx(KNOWN.correctness_N)
    assert "variability" in axes.get_xlabel()
    assert "right" in bar.get_ylabel()
