"""Settings are those of best validation accuracy, and each solver predicts as it does by itself."""

import itertools

import numpy as np
import pytest

from hf_apt.stats.kernels.choice import chosen_prediction
from hf_apt.stats.kernels.kernel_tensor import class_targets, output_accuracy
from hf_apt.stats.kernels.ridge import kernel_prediction, kernel_ridge

RNG = np.random.default_rng(5)
X = RNG.normal(size=(30, 4))
LABELS = (X[:, :3] + 0.1 * RNG.normal(size=(30, 3))).argmax(axis=1)
PARTS = (slice(0, 12), slice(12, 21), slice(21, 30))
START = RNG.normal(size=(30, 3))


def tried(kernel: np.ndarray, **options):
    return chosen_prediction(
        tuple(kernel[part] for part in PARTS),
        LABELS[PARTS[0]],
        tuple(START[part] for part in PARTS),
        LABELS[PARTS[1]],
        **options,
    )


@pytest.mark.parametrize("symmetric", [True, False])
def test_the_choice_is_that_of_a_loop_over_all_settings(symmetric) -> None:
    products = (X if symmetric else np.sign(X)) @ X[:12].T
    kernel = np.einsum("ji,op->joip", products, np.eye(3) + 0.1)
    best = None
    for regularisation, scale in itertools.product((0.0, 0.01, 1.0), (10.0, np.inf)):
        solved = kernel_ridge(
            kernel[:12],
            class_targets(LABELS[:12], 3),
            regularisation=regularisation,
            start_IO=START[:12] / scale,
        )
        outputs = kernel_prediction(kernel, solved, START / scale)
        key = (output_accuracy(outputs[12:21], LABELS[12:21]), regularisation, scale)
        if best is None or key > best[0]:
            best = key, outputs[21:]
    chosen = tried(kernel, regularisations=(0.0, 0.01, 1.0), start_scales=(10.0, np.inf))
    assert (chosen.validation_accuracy, chosen.regularisation, chosen.start_scale) == best[0]
    np.testing.assert_allclose(chosen.outputs_JO, best[1], atol=1e-6)


def test_the_other_solvers_learn_what_can_be_learnt() -> None:
    kernel = np.einsum("ji,op->joip", X @ X[:12].T, np.eye(3))
    logistic = tried(kernel, solver="logistic", regularisations=(0.0, 0.01), start_scales=(np.inf,))
    assert logistic.regularisation == 0.01
    assert output_accuracy(logistic.outputs_JO, LABELS[21:]) > 0.4
    with pytest.raises(ValueError, match="two classes, and there are 3"):
        tried(kernel, solver="asymmetric")
    with pytest.raises(ValueError, match="choose one of ridge"):
        tried(kernel, solver="svm")


def test_two_classes_take_the_asymmetric_solver() -> None:
    labels = (X[:, 0] > 0).astype(int)
    kernel = (X @ np.sign(X[:12]).T)[:, None, :, None]
    zeros = tuple(np.zeros((len(labels[part]), 1)) for part in PARTS)
    chosen = chosen_prediction(
        tuple(kernel[part] for part in PARTS),
        *(labels[:12], zeros, labels[12:21]),
        solver="asymmetric",
    )
    assert output_accuracy(chosen.outputs_JO, labels[21:]) > 0.6
