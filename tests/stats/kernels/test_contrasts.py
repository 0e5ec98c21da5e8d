"""Differences of classes: softmax probabilities see no more, and y' K y is unchanged."""

import numpy as np

from hf_apt.stats.kernels.alignment import along_labels
from hf_apt.stats.kernels.condition_number import condition_number
from hf_apt.stats.kernels.contrasts import class_contrasts, target_contrasts
from hf_apt.stats.kernels.kernel_tensor import as_square, class_targets

RNG = np.random.default_rng(3)


def kernel(num_texts: int, num_outputs: int) -> np.ndarray:
    gradients = RNG.normal(size=(num_texts, num_outputs, 40))
    return np.einsum("iow,jpw->iojp", gradients, gradients)


def test_what_all_outputs_share_is_gone_and_nothing_else() -> None:
    own = kernel(4, 3)
    common = np.einsum("ij,op->iojp", RNG.normal(size=(4, 4)), np.ones((3, 3)))
    np.testing.assert_allclose(class_contrasts(own + common), class_contrasts(own), atol=1e-12)
    centred = np.eye(3) - 1 / 3
    projected = np.einsum("iojp,oq,pr->iqjr", own, centred, centred)
    ours = np.linalg.eigvalsh(as_square(class_contrasts(own)))
    np.testing.assert_allclose(ours, np.linalg.eigvalsh(as_square(projected))[4:], rtol=1e-9)


def test_the_speed_along_labels_is_that_of_the_outputs() -> None:
    own, targets = kernel(5, 4), class_targets(np.array([0, 1, 2, 3, 3]), 4)
    ours = along_labels(class_contrasts(own), target_contrasts(targets))
    np.testing.assert_allclose(ours, along_labels(own, targets))


def test_a_single_output_is_a_difference_already() -> None:
    own, targets = kernel(3, 1), class_targets(np.array([0, 1, 1]), 1)
    assert class_contrasts(own) is own
    assert target_contrasts(targets) is targets


def test_two_outputs_have_the_condition_of_their_difference() -> None:
    own = kernel(4, 2)
    difference = own[:, 1:, :, 1:] - own[:, :1, :, 1:] - own[:, 1:, :, :1] + own[:, :1, :, :1]
    ours = condition_number(class_contrasts(own))
    assert (ours.size, ours.rank) == (4, 4)
    np.testing.assert_allclose(ours.value, condition_number(difference).value)
