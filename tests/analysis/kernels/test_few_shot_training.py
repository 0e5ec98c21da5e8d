"""Plain steps: one of gradient descent by hand, where it ends, and a loss that diverges."""

import numpy as np
import pytest
import torch
from small_functions import LinearModel, function_of, vector_rows

from hf_apt.analysis.kernels.few_shot_training import FewShotTraining, train_function

VECTORS = torch.randn(4, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
LABELS = np.array([0, 1, 2, 0])


def test_a_step_of_gradient_descent_is_the_one_by_hand() -> None:
    model = LinearModel(VECTORS, 3)
    before = model.weight.detach().clone()
    slope = (VECTORS @ before.T).softmax(dim=1) - torch.eye(3, dtype=torch.float64)[LABELS]
    train_function(
        *(function_of(model), vector_rows(4), LABELS), FewShotTraining("sgd", 0.3, 1, batch_size=4)
    )
    torch.testing.assert_close(model.weight.detach(), before - 0.3 * slope.T @ VECTORS / 4)


def test_adam_learns_texts_that_can_be_told_apart_and_repeats_itself() -> None:
    models = [LinearModel(VECTORS, 3) for _ in range(2)]
    for model in models:
        training = FewShotTraining("adam", 0.1, 100, batch_size=3)
        train_function(function_of(model), vector_rows(4), LABELS, training)
        outputs = function_of(model).outputs(vector_rows(4))
        np.testing.assert_array_equal(outputs.argmax(dim=1), LABELS)
    assert torch.equal(models[0].weight, models[1].weight)


def test_two_classes_are_trained_by_the_sign_of_their_difference() -> None:
    model = LinearModel(VECTORS, 2)
    function, labels = function_of(model, 2), np.array([0, 1, 1, 0])
    train_function(function, vector_rows(4), labels, FewShotTraining("adam", 0.1, 100))
    np.testing.assert_array_equal(function.outputs(vector_rows(4))[:, 0] > 0, labels == 1)


def test_a_loss_that_diverges_is_told() -> None:
    model = LinearModel(VECTORS * 1e200, 3)
    with pytest.raises(FloatingPointError, match="take a smaller one"):
        train_function(
            *(function_of(model), vector_rows(4), LABELS), FewShotTraining("sgd", 1e200, 5)
        )
