"""The condition number: of planted eigenvalues, of a singular kernel, of one that is asymmetric."""

import math

import numpy as np
import pytest

from hf_apt.stats.kernels.condition_number import condition_number

TURN = np.linalg.qr(np.random.default_rng(4).normal(size=(4, 4)))[0]


def kernel_of(values: list[float]) -> np.ndarray:
    return (TURN @ np.diag(values) @ TURN.T).reshape(2, 2, 2, 2)


def test_planted_eigenvalues_are_recovered() -> None:
    condition = condition_number(kernel_of([8.0, 4.0, 2.0, 1.0]))
    assert condition.value == pytest.approx(8)
    assert (condition.rank, condition.size) == (4, 4)


def test_a_singular_kernel_has_no_condition_number_but_that_of_its_rank() -> None:
    condition = condition_number(kernel_of([8.0, 4.0, 2.0, 0.0]))
    assert condition.value == math.inf
    assert condition.of_rank == pytest.approx(4)
    assert condition.rank == 3


def test_an_asymmetric_kernel_is_judged_by_singular_values() -> None:
    kernel = (np.diag([3.0, -1.5, 1.0, 1.0]) @ TURN).reshape(2, 2, 2, 2)
    assert condition_number(kernel).value == pytest.approx(3)
