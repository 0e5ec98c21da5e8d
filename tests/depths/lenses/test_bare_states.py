"""Laws of the states before the final normalisation: those of the trunk, and differentiable."""

import pytest
import torch
from model_families import every_family, made

from hf_apt.depths.lenses.bare_states import after_final_norm, bare_states
from hf_apt.depths.trunk import Trunk


def inputs() -> dict[str, torch.Tensor]:
    ids = torch.arange(5, 21).reshape(2, 8)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


@every_family
def test_normalised_they_are_those_of_the_trunk(family) -> None:
    trunk = Trunk(made(family))
    asked_BT = torch.ones(2, 8, dtype=torch.bool)
    expected_DNH = trunk.at(inputs(), asked_BT)
    with torch.no_grad():
        states = [after_final_norm(trunk, state) for state in bare_states(trunk, inputs())]
    for state, expected_NH in zip(states, expected_DNH, strict=True):
        torch.testing.assert_close(state.flatten(0, 1), expected_NH)


@every_family
def test_every_state_is_differentiated_by_every_earlier_one(family) -> None:
    model = made(family)
    states = bare_states(Trunk(model), inputs(), with_graph=True)
    gradients = torch.autograd.grad(states[-1].square().sum(), states[:-1])
    assert all(gradient.abs().sum() > 0 for gradient in gradients)
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())


def test_the_model_is_left_as_it_was() -> None:
    model = made("bert").train()
    model.cls.predictions.bias.requires_grad_(False)
    before = [weight.requires_grad for weight in model.parameters()]
    first, second = (bare_states(Trunk(model), inputs(), with_graph=True) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert [weight.requires_grad for weight in model.parameters()] == before
    assert all(module.training for module in model.modules())
    assert not model.get_input_embeddings()._forward_hooks


def test_a_trunk_that_is_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="cut after block 1 of 3"):
        bare_states(Trunk(made("bert"), deepest=1), inputs())
