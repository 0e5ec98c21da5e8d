"""Macro F1 by hand."""

import numpy as np
import pytest

from hf_apt.stats.classes.macro_f1 import macro_f1


def test_known_answers():
    labels, answers = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 1])
    # Class 0: 2 * 2 / (2 + 3); class 1: 2 * 1 / (3 + 1); class 2: 0.
    assert macro_f1(labels, answers, 3) == pytest.approx((0.8 + 0.5 + 0) / 3)
    assert macro_f1(labels, labels, 3) == 1
    assert macro_f1(labels, np.zeros(5, int), 3) == pytest.approx(0.75 / 3)
    assert macro_f1(np.array([0, 1]), np.array([0, 1]), 4) == 0.5


def test_what_does_not_fit_is_told_in_a_sentence():
    with pytest.raises(ValueError, match="3 labels came with 2 answers"):
        macro_f1(np.zeros(3, int), np.zeros(2, int), 2)
    with pytest.raises(ValueError, match="0 labels"):
        macro_f1(np.zeros(0, int), np.zeros(0, int), 2)
