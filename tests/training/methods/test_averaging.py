"""Averages within groups against loops, and what an orthogonal projection has to be."""

from typing import Any

import pytest
import torch
from small_classifiers import batch, classifier
from torch import nn

from hf_apt.training.methods.averaging import average_gradients, averaged
from hf_apt.training.methods.unit_layers import UnitLayer, UnitWeight, unit_layers

GROUPS = torch.tensor([0, 1, 0, 2, 1, 0])


def gradient(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def looped(gradient_UK: torch.Tensor, groups: list[int], strength: float) -> torch.Tensor:
    rows = []
    for unit, group in enumerate(groups):
        members = [other for other, of_other in enumerate(groups) if of_other == group]
        mean = sum(gradient_UK[other] for other in members) / len(members)
        rows.append((1 - strength) * gradient_UK[unit] + strength * mean)
    return torch.stack(rows)


@pytest.mark.parametrize("shape", [(6,), (6, 5), (6, 2, 4)])
@pytest.mark.parametrize("strength", [0.0, 0.3, 0.75, 1.0])
def test_it_is_what_a_loop_gives(shape, strength):
    given = gradient(*shape)
    torch.testing.assert_close(
        averaged(given, GROUPS, strength), looped(given, GROUPS.tolist(), strength)
    )


def test_units_that_are_alone_keep_their_gradients_to_the_bit():
    given = gradient(6, 5)
    for strength in (0.0, 0.3, 0.5, 0.9, 1.0):
        assert torch.equal(averaged(given, torch.arange(6), strength), given)
        assert torch.equal(averaged(given, GROUPS, strength)[3], given[3])


def test_twice_is_once_and_the_sum_stays_and_the_norm_does_not_grow():
    given = gradient(6, 5).double()
    once = averaged(given, GROUPS, 1.0)
    torch.testing.assert_close(averaged(once, GROUPS, 1.0), once)
    torch.testing.assert_close(once.sum(dim=0), given.sum(dim=0))
    torch.testing.assert_close((once * (given - once)).sum(), torch.zeros((), dtype=torch.double))
    for strength in (0.0, 0.4, 1.0):
        assert averaged(given, GROUPS, strength).norm() <= given.norm() + 1e-12


def test_equal_units_are_not_changed():
    given = gradient(3, 5)[GROUPS]
    torch.testing.assert_close(averaged(given, GROUPS, 1.0), given)


def layer_of(*weights: tuple[nn.Parameter, tuple[int, ...], int]) -> UnitLayer:
    return UnitLayer("x feed_forward", 6, nn.Linear(6, 3), tuple(UnitWeight(*w) for w in weights))


def with_gradient(*shape: int, seed: int) -> Any:
    parameter = nn.Parameter(torch.zeros(shape))
    parameter.grad = gradient(*shape, seed=seed)
    return parameter


def test_rows_biases_columns_and_halves_are_averaged_where_they_are():
    rows, bias = with_gradient(6, 4, seed=1), with_gradient(6, seed=2)
    columns, halves = with_gradient(3, 6, seed=3), with_gradient(12, 4, seed=4)
    before = [each.grad.clone() for each in (rows, bias, columns, halves)]
    layer = layer_of(
        (rows, (6, 4), 0), (bias, (6,), 0), (columns, (3, 6), 1), (halves, (2, 6, 4), 1)
    )
    average_gradients(layer, GROUPS, 0.5, match_norm=False)
    groups = GROUPS.tolist()
    torch.testing.assert_close(rows.grad, looped(before[0], groups, 0.5))
    torch.testing.assert_close(bias.grad, looped(before[1], groups, 0.5))
    torch.testing.assert_close(columns.grad, looped(before[2].T, groups, 0.5).T)
    for half in (slice(6), slice(6, 12)):
        torch.testing.assert_close(halves.grad[half], looped(before[3][half], groups, 0.5))


def test_a_matched_norm_is_that_of_all_weights_and_the_direction_that_of_the_means():
    weights = [with_gradient(6, 4, seed=1), with_gradient(3, 6, seed=2)]
    others = [with_gradient(6, 4, seed=1), with_gradient(3, 6, seed=2)]

    def of(held):
        return layer_of((held[0], (6, 4), 0), (held[1], (3, 6), 1))

    def flat(held):
        return torch.cat([each.grad.flatten() for each in held])

    before = flat(weights).norm()
    average_gradients(of(weights), GROUPS, 1.0, match_norm=True)
    average_gradients(of(others), GROUPS, 1.0, match_norm=False)
    torch.testing.assert_close(flat(weights).norm(), before)
    assert flat(others).norm() < 0.9 * before
    torch.testing.assert_close(
        torch.nn.functional.cosine_similarity(flat(weights), flat(others), dim=0), torch.ones(())
    )


def test_what_has_no_gradient_is_left_out_and_zeros_stay_zeros():
    frozen, zeros = nn.Parameter(torch.zeros(6, 4)), nn.Parameter(torch.zeros(6))
    zeros.grad = torch.zeros(6)
    average_gradients(layer_of((frozen, (6, 4), 0), (zeros, (6,), 0)), GROUPS, 1.0, match_norm=True)
    assert frozen.grad is None
    assert not zeros.grad.any()
    average_gradients(layer_of((frozen, (6, 4), 0)), GROUPS, 1.0, match_norm=True)


def test_in_a_model_nothing_but_the_units_is_changed():
    model = classifier("bert")
    layers = unit_layers(model, batch(), "feed_forward")
    model(**batch(), labels=torch.arange(6) % 3).loss.backward()
    before = {name: each.grad.clone() for name, each in model.named_parameters()}
    groups = torch.arange(layers[0].num_units) // 4
    for layer in layers:
        average_gradients(layer, groups, 1.0, match_norm=False)
    changed = {
        name for name, each in model.named_parameters() if not torch.equal(each.grad, before[name])
    }
    assert {name.split(".", 4)[-1] for name in changed} == {
        *("intermediate.dense.weight", "intermediate.dense.bias", "output.dense.weight"),
    }
