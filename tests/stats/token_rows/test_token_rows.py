"""Rows are refused where they cannot be a model's."""

import numpy as np
import pytest

from hf_apt.stats.token_rows.token_rows import TokenRows


@pytest.mark.parametrize("biases_V", [None, np.array([-1.5, 0.0, 2.0])])
def test_arrays_give_the_rows_again(biases_V) -> None:
    rows = TokenRows(np.array([0.0, 0.5, 1.0]), biases_V)
    again = TokenRows.from_arrays(rows.arrays())
    assert again.vocab_size == 3
    assert again.norms_V.tolist() == [0.0, 0.5, 1.0]
    assert (again.biases_V is None) == (biases_V is None)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "nothing, not norms"),
        ({"biases": np.zeros(2)}, "it holds biases, not norms"),
        ({"norms": np.ones(2), "more": np.ones(2)}, "norms, more, not"),
        ({"norms": np.array([1.0, np.nan])}, "norms hold a number that is not finite"),
        ({"norms": np.array([1.0, -0.5])}, "norms hold -0.5"),
        ({"norms": np.ones(2), "biases": np.array([0.0, np.inf])}, "biases hold a number that"),
        ({"norms": np.ones(2), "biases": np.zeros(3)}, r"biases are float64 of shape \(3,\)"),
        ({"norms": np.ones((2, 2))}, r"norms are float64 of shape \(2, 2\)"),
        ({"norms": np.array(1.0)}, r"norms are float64 of shape \(\)"),
        ({"norms": np.array([1, 2])}, "norms are int64"),
    ],
)
def test_other_arrays_are_refused(arrays, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TokenRows.from_arrays(arrays)
