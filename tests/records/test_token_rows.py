"""Rows in a run's folder are checked when they are read."""

import numpy as np
import pytest

from hf_apt.records.run import Run
from hf_apt.records.token_rows import read_token_rows, write_token_rows
from hf_apt.stats.token_rows.token_rows import TokenRows

ROWS = TokenRows(np.array([0.5, 1.0, 2.0], np.float32), np.array([0.0, -1.0, 1.0], np.float32))


@pytest.mark.parametrize("rows", [ROWS, TokenRows(ROWS.norms_V, None)])
def test_what_is_read_is_what_was_written(tmp_path, rows: TokenRows) -> None:
    run = Run(tmp_path)
    assert read_token_rows(run, 3) is None
    write_token_rows(run, rows)
    again = read_token_rows(run, 3)
    assert again is not None
    assert again.norms_V.tolist() == rows.norms_V.tolist()
    assert (again.biases_V is None) == (rows.biases_V is None)


def test_a_model_without_rows_takes_away_those_of_another(tmp_path) -> None:
    run = Run(tmp_path)
    write_token_rows(run, ROWS)
    write_token_rows(run, None)
    write_token_rows(run, None)
    assert read_token_rows(run, 3) is None
    assert list(tmp_path.iterdir()) == []


def test_rows_of_another_vocabulary_are_refused(tmp_path) -> None:
    run = Run(tmp_path)
    write_token_rows(run, ROWS)
    with pytest.raises(ValueError, match=r"token_rows.npz is of 3 token ids, .* of 4: measure"):
        read_token_rows(run, 4)


def test_changed_files_are_refused_by_name(tmp_path) -> None:
    run = Run(tmp_path)
    run.write_arrays("token_rows.npz", norms=np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match=r"token_rows.npz is not of a model's rows: norms hold"):
        read_token_rows(run, 2)
    run.path("token_rows.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"token_rows.npz cannot be read"):
        read_token_rows(run, 2)
