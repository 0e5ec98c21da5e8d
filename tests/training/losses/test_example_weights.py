"""A weight for each example: one for all is the plain loss, 0 leaves it out."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from workers.objectives import classifier, classifying, logged, stacked, texts

from hf_apt.cli.objectives import objective_of
from hf_apt.training.losses.example_weights import WithExampleWeights
from hf_apt.training.losses.focal import Focal
from hf_apt.training.losses.loss_func import class_loss_func
from hf_apt.training.objective import weighted_sum
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


OBJECTIVES = [
    "balanced_contrast:weight=1,num_positives=4,num_negatives=6",
    "confidence_penalty:weight=1",
    "proximal:weight=5,momentum=1",
    "r_drop:weight=1",
    "smoothness:weight=1,radius=0.1,step_size=0.1,noise=0.01,dropout=shared",
]


@pytest.mark.parametrize("spelled", OBJECTIVES)
def test_terms_are_weighed_as_the_loss_is(spelled, tmp_path):
    """All weights twice as large is the loss and every term twice as large; 0 leaves both out."""

    def after(*weights: float, **changed: Any) -> tuple[dict[str, float], Any]:
        def both(**named: Any) -> Any:
            return Both(objectives=(objective_of(spelled),), **named)

        made = trained(tmp_path, rows(*weights), both, dropout=0.2, **changed)
        return logged(made), weights_of(made)

    name = spelled.partition(":")[0]
    (once, ones), (twice, _) = after(1.0), after(2.0)
    assert twice["1.loss"] == pytest.approx(2 * once["1.loss"], rel=1e-4)
    steps = {key for key in once if f".{name}" in key} or {"1.loss"}
    for key in (each for each in steps if each.startswith("1.")):
        assert twice[key] == pytest.approx(2 * once[key], rel=1e-4, abs=1e-6), key
    without = trained(
        tmp_path,
        texts(),
        lambda **named: Both(objectives=(objective_of(spelled),), **named),
        dropout=0.2,
    )
    assert_close(ones, weights_of(without))
    nothing, _ = after(0.0)
    assert {value for key, value in nothing.items() if key in steps} <= {0.0}
    own = weights_of(trained(tmp_path, rows(0.0)))
    _, zeros = after(0.0)
    assert_close(zeros, own)


def test_no_term_depends_on_how_weighed_examples_are_divided(tmp_path):
    def both(**named: Any) -> Any:
        return Both(objectives=(objective_of(OBJECTIVES[4]), objective_of(OBJECTIVES[1])), **named)

    given = rows(1.0, 0.25, 3.0)
    whole, parts = (trained(tmp_path, given, both, accumulation_steps=each) for each in (1, 4))
    assert_close(weights_of(parts), weights_of(whole))


def test_a_model_is_not_given_the_weights(tmp_path):
    """A forward pass without `**kwargs` takes no column that it does not know."""

    class Strict(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = classifier(0.2)
            self.config = self.inner.config

        def forward(self, input_ids, labels=None):
            return self.inner(input_ids=input_ids, labels=labels)

        def get_input_embeddings(self):
            return self.inner.get_input_embeddings()

    given = [*map(objective_of, OBJECTIVES[2:])]
    made = trained(
        tmp_path,
        rows(1.0, 0.5),
        lambda **named: Both(objectives=given, **named),
        model=Strict(),
    )
    assert np.isfinite(logged(made)["3.loss"])


def test_as_many_weights_as_answers():
    step = SimpleNamespace(
        weights=torch.tensor([1.0, 2.0, 3.0]), inputs={"labels": torch.tensor([0, -100, 1])}
    )
    assert weighted_sum(torch.tensor([10.0, 1.0]), step) == 13.0  # pyright: ignore
    tokens = {"labels": torch.tensor([[0, -100], [1, 1], [-100, 0]])}
    step = SimpleNamespace(weights=step.weights, inputs=tokens)
    assert weighted_sum(torch.tensor([10.0, 1.0, 1.0, 1.0]), step) == 17.0  # pyright: ignore
    numbers = SimpleNamespace(weights=step.weights, inputs={"labels": torch.rand(3)})
    assert weighted_sum(torch.tensor([10.0, 1.0, 0.0]), numbers) == 12.0  # pyright: ignore
    with pytest.raises(ValueError, match="there are 1 answers in a batch and 4 weights"):
        weighted_sum(torch.tensor([1.0]), step)  # pyright: ignore


def test_it_goes_with_losses_and_objectives(tmp_path):
    def both(**named: Any) -> Any:
        return Both(objectives=(RDrop(weight=1.0),), **named)

    func = class_loss_func(Focal(gamma=2.0))
    made = trained(tmp_path, rows(1.0, 0.5), both, dropout=0.2, compute_loss_func=func)
    assert logged(made)["1.r_drop"] > 0
    assert made.compute_loss_func is func


def test_a_collator_that_keeps_it_is_all_it_takes():
    assert "weight" in stacked(rows(1.0)[:2])
