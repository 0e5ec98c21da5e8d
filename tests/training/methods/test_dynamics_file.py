"""What a file of training dynamics gives back, and which files are none."""

import numpy as np
import pytest

from hf_apt.stats.dynamics.training_dynamics import DynamicsRecord
from hf_apt.training.methods.dynamics_file import read_dynamics, save_dynamics

KNOWN = DynamicsRecord(
    np.array([[0.2, 0.9, np.nan], [0.6, 0.9, np.nan]], np.float32),
    np.array([[False, True, False], [True, True, False]]),
    np.array([4, 8]),
)


def test_a_file_gives_back_what_was_saved(tmp_path):
    save_dynamics(KNOWN, tmp_path / "x.npz")
    for name, values in vars(read_dynamics(tmp_path / "x.npz")).items():
        assert np.array_equal(values, getattr(KNOWN, name), equal_nan=values.dtype.kind == "f")
        assert values.dtype == getattr(KNOWN, name).dtype


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": np.zeros(3)},
        {"probability_EN": np.zeros((2, 3))},
        vars(KNOWN) | {"step_E": np.ones(3)},
    ],
)
def test_another_file_is_refused(arrays, tmp_path):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ValueError, match=r"x\.npz is no record of training dynamics"):
        read_dynamics(tmp_path / "x.npz")
    (tmp_path / "y.npz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"y\.npz is no record of training dynamics"):
        read_dynamics(tmp_path / "y.npz")


def test_a_file_that_was_cut_off_is_refused_in_a_sentence(tmp_path):
    save_dynamics(KNOWN, tmp_path / "x.npz")
    whole = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is no record of training dynamics"):
        read_dynamics(tmp_path / "x.npz")
