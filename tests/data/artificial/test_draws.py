"""Random numbers of documents are functions of seed and number; draws follow their law."""

import numpy as np
import pytest

from hf_apt.data.artificial.draws import document_draws, drawn, entropy_of


def test_a_document_has_the_same_numbers_whoever_asks() -> None:
    whole = document_draws(range(10), (6, 2), seed=4)
    np.testing.assert_array_equal(document_draws(range(3, 5), (6, 2), seed=4), whole[3:5])
    np.testing.assert_array_equal(document_draws(range(10), (4, 2), seed=4), whole[:, :4])
    assert (document_draws(range(10), (6, 2), seed=4, stream=1) != whole).all()
    assert len(np.unique(whole)) == whole.size


def test_draws_at_the_ends_are_choices() -> None:
    probs = np.array([0.1] * 10)  # whose sum rounds below 1
    assert drawn(probs, np.array([0.0, np.nextafter(1.0, 0.0)])).tolist() == [0, 9]
    assert drawn(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.999])).tolist() == [1, 1]


def test_entropy_of_known_laws() -> None:
    assert entropy_of(np.array([0.5, 0.5])) == pytest.approx(np.log(2))
    assert entropy_of(np.array([1.0, 0.0])) == 0.0
