"""The linear model and drift: nothing moved, a linear model, a quadratic one, and vjp for jvp."""

import numpy as np
import pytest
import torch
from small_functions import (
    LinearModel,
    QuadraticModel,
    function_of,
    tiny_classifier,
    vector_rows,
)

from hf_apt.analysis.kernels.gradients import output_gradients
from hf_apt.analysis.kernels.linearisation import (
    copied_weights,
    feature_drift,
    linearised_outputs,
)

VECTORS = torch.randn(4, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
ROWS = vector_rows(4)


def moved(start: dict, size: float = 0.1) -> dict:
    generator = torch.Generator().manual_seed(3)
    return {
        name: each + size * torch.randn(each.shape, generator=generator, dtype=each.dtype)
        for name, each in start.items()
    }


def test_where_nothing_moved_the_linear_model_is_the_model(tokenizer) -> None:
    function = tiny_classifier(tokenizer)
    rows = function.rows(["w1 w2", "w3"])
    start = copied_weights(function.model)
    np.testing.assert_allclose(
        linearised_outputs(function, rows, start, start), function.outputs(rows), atol=1e-12
    )
    assert feature_drift(function, rows, start, start).max() == 0


def test_a_linear_model_is_its_linearisation_and_does_not_drift() -> None:
    model = LinearModel(VECTORS, 3)
    function, start = function_of(model), copied_weights(model)
    end = moved(start, 2.0)
    linear = linearised_outputs(function, ROWS, start, end)
    np.testing.assert_allclose(linear, VECTORS @ end["weight"].T, atol=1e-12)
    assert feature_drift(function, ROWS, start, end).max() < 1e-12


def test_a_quadratic_model_drifts_by_what_its_root_moved() -> None:
    """(w x)^2 has the gradient 2 (w x) x, so its drift is |w' x - w x| / |w x|."""
    model = QuadraticModel(VECTORS, 3)
    function, start = function_of(model), copied_weights(model)
    end = moved(start)
    before, after = (VECTORS @ each["weight"].T for each in (start, end))
    drift = feature_drift(function, ROWS, start, end)
    np.testing.assert_allclose(drift, (after - before).abs() / before.abs(), rtol=1e-9)
    linear = linearised_outputs(function, ROWS, start, end)
    np.testing.assert_allclose(linear, before**2 + 2 * before * (after - before), atol=1e-12)


def test_forward_and_reverse_derivatives_agree(tokenizer) -> None:
    function = tiny_classifier(tokenizer)
    rows = function.rows(["w1 w2 w3 w4", "w5"])
    start = copied_weights(function.model)
    end = moved(start, 0.01)
    linear = linearised_outputs(function, rows, start, end)
    for row, outputs in zip(rows, linear, strict=True):
        value, gradients = output_gradients(function, row, list(start))
        change = sum(
            gradient @ (end[name] - start[name]).reshape(-1)
            for gradient, name in zip(gradients, start, strict=True)
        )
        np.testing.assert_allclose(outputs, value + change, atol=1e-10)


def test_weights_of_another_model_are_refused() -> None:
    function = function_of(LinearModel(VECTORS, 3))
    with pytest.raises(ValueError, match="'other' are not those of the model"):
        linearised_outputs(function, ROWS, {"other": VECTORS}, {"other": VECTORS})
    start = copied_weights(function.model)
    with pytest.raises(ValueError, match="take both with"):
        feature_drift(function, ROWS, start, {})
