"""A weight for each example: one for all is the plain loss, 0 leaves it out."""

from typing import Any

import numpy as np
import pytest
from workers.objectives import classifying, logged, stacked, texts

from hf_apt.training.losses.example_weights import WithExampleWeights
from hf_apt.training.losses.focal import Focal
from hf_apt.training.losses.loss_func import class_loss_func
from hf_apt.training.objective_trainer import WithObjectives
from hf_apt.training.objectives.r_drop import RDrop


class Both(WithObjectives, WithExampleWeights):
    pass


def rows(*weights: float) -> list[dict[str, Any]]:
    """The texts with these weights, over and over."""
    return [row | {"weight": weights[at % len(weights)]} for at, row in enumerate(texts())]


def trained(folder: Any, given: list, trainer: Any = WithExampleWeights, **changed: Any) -> Any:
    options = {"compute_loss_func": class_loss_func()} | changed
    made = classifying(str(folder), (), rows=given, trainer=trainer, **options)
    made.train()
    return made


def weights_of(trainer: Any) -> dict[str, np.ndarray]:
    return {name: weight.numpy().copy() for name, weight in trainer.model.state_dict().items()}


def assert_close(weights: dict, expected: dict) -> None:
    for name, value in expected.items():
        np.testing.assert_allclose(weights[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_without_a_column_it_is_the_plain_trainer_to_the_bit(tmp_path):
    plain = classifying(str(tmp_path), (), compute_loss_func=class_loss_func())
    plain.train()
    other = trained(tmp_path, texts(), compute_loss_func=None)
    assert logged(other) == logged(plain)
    for name, value in weights_of(plain).items():
        assert np.array_equal(weights_of(other)[name], value)


@pytest.mark.parametrize("parts", [1, 4])
def test_a_weight_of_one_changes_nothing_and_of_zero_leaves_out(parts, tmp_path):
    plain = trained(tmp_path, texts())
    ones = trained(tmp_path, rows(1.0), accumulation_steps=parts)
    assert_close(weights_of(ones), weights_of(plain))
    kept = logged(trained(tmp_path, rows(1.0, 0.0), accumulation_steps=parts))
    # What is left out might as well have no label, but for the divisor.
    unasked = [row | ({"labels": -100} if at % 2 else {}) for at, row in enumerate(texts())]
    without = logged(trained(tmp_path, unasked))
    num, num_kept = (
        sum(row["labels"] != -100 for row in given[:8]) for given in (texts(), unasked)
    )
    assert num_kept < num
    assert kept["1.loss"] * num == pytest.approx(without["1.loss"] * num_kept, rel=1e-4)


def test_evaluation_has_no_weights(tmp_path):
    made = classifying(str(tmp_path), (), rows=rows(5.0, 0.0), trainer=WithExampleWeights)
    plain = classifying(str(tmp_path), (), rows=texts())
    assert made.evaluate()["eval_loss"] == pytest.approx(plain.evaluate()["eval_loss"])


def test_it_goes_with_losses_and_objectives(tmp_path):
    def both(**named: Any) -> Any:
        return Both(objectives=(RDrop(weight=1.0),), **named)

    func = class_loss_func(Focal(gamma=2.0))
    made = trained(tmp_path, rows(1.0, 0.5), both, dropout=0.2, compute_loss_func=func)
    assert logged(made)["1.r_drop"] > 0
    assert made.compute_loss_func is func


def test_a_collator_that_keeps_it_is_all_it_takes():
    assert "weight" in stacked(rows(1.0)[:2])
