"""Alignment with the labels, and shares of it that add up."""

import math

import numpy as np
import pytest

from hf_apt.stats.kernels.alignment import along_labels, label_alignment, shares, trace

RNG = np.random.default_rng(3)
TARGETS = RNG.normal(size=(4, 2))
FLAT = TARGETS.reshape(-1)


def test_the_kernel_of_the_labels_is_aligned_and_one_across_is_not() -> None:
    assert label_alignment(np.outer(FLAT, FLAT).reshape(4, 2, 4, 2), TARGETS) == pytest.approx(1)
    across = np.linalg.svd(FLAT[None])[2][1]
    kernel = np.outer(across, across).reshape(4, 2, 4, 2)
    assert label_alignment(kernel, TARGETS) == pytest.approx(0, abs=1e-12)


def test_the_identity_is_aligned_by_one_over_the_root_of_its_size() -> None:
    assert label_alignment(np.eye(8).reshape(4, 2, 4, 2), TARGETS) == pytest.approx(
        1 / math.sqrt(8)
    )


def test_trace_and_labels_add_up_over_kernels() -> None:
    parts = [RNG.normal(size=(4, 2, 4, 2)) for _ in range(3)]
    assert sum(map(trace, parts)) == pytest.approx(trace(sum(parts)))
    along = [along_labels(part, TARGETS) for part in parts]
    assert sum(along) == pytest.approx(along_labels(sum(parts), TARGETS))
    assert sum(shares(along)) == pytest.approx(1)


def test_nothing_has_no_alignment() -> None:
    assert math.isnan(label_alignment(np.zeros((4, 2, 4, 2)), TARGETS))
    assert all(map(math.isnan, shares([0.0, 0.0])))
