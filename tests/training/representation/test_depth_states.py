"""States in training are those that the model shows, with gradients, and nothing after is made."""

from typing import Any

import pytest
import torch
from model_families import NUM_BLOCKS, made

from hf_apt.depths.model_parts import parts_of
from hf_apt.depths.trunk import Trunk
from hf_apt.training.representation.depth_states import DepthStates, pooled_states, still_of

POST_NORM = ("bert", "roberta", "distilbert", "deberta-v2", "albert")
"""Families whose blocks end in a normalisation."""

CHOSEN = (*POST_NORM, "modernbert")


@pytest.fixture
def inputs() -> dict[str, torch.Tensor]:
    ids = torch.randint(5, 300, (3, 8), generator=torch.Generator().manual_seed(1))
    present = torch.ones_like(ids)
    present[1, 5:] = 0
    return {"input_ids": ids, "attention_mask": present}


@pytest.mark.parametrize("family", CHOSEN)
@pytest.mark.parametrize("depth", [0, 1, None])
def test_they_are_those_that_the_trunk_reads_without_gradients(family, depth, inputs):
    model = made(family)
    present = inputs["attention_mask"].bool()
    expected = Trunk(model).at(inputs, present)[NUM_BLOCKS if depth is None else depth]
    states = DepthStates(model, depth=depth)
    state_BTH = states(inputs)
    assert states.depth == (NUM_BLOCKS if depth is None else depth)
    assert state_BTH.shape[:2] == present.shape
    torch.testing.assert_close(state_BTH[present], expected, rtol=1e-4, atol=1e-5)
    assert state_BTH.requires_grad


@pytest.mark.parametrize("family", CHOSEN)
@pytest.mark.parametrize("depth", [1, NUM_BLOCKS])
def test_before_the_normalisation_that_ends_the_depth(family, depth, inputs):
    """They are what the module was given that returned the states after it."""
    model = made(family)
    before_BTH = DepthStates(model, depth=depth, states="before_norm")(inputs)
    after_BTH = DepthStates(model, depth=depth)(inputs)
    calls: list[tuple[torch.Tensor, torch.Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda _, args, output: calls.append((args[0], output)))
        for module in model.modules()
        if "norm" in type(module).__name__.lower() and not any(module.children())
    ]
    model(**inputs)
    for hook in hooks:
        hook.remove()
    given = [put for put, output in calls if is_same(output, after_BTH)]
    if given:
        assert is_same(given[0], before_BTH)
    else:  # between the blocks of a pre-norm model
        final_norm: Any = parts_of(model).final_norm
        assert final_norm is not None
        assert is_same(final_norm(before_BTH), after_BTH)
    assert not is_same(before_BTH, after_BTH)
    assert bool(given) == (family in POST_NORM or depth == NUM_BLOCKS)


def is_same(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.numel() == second.numel() and torch.allclose(
        first.reshape(second.shape), second, rtol=1e-4, atol=1e-5
    )


def test_gradients_are_those_of_the_states_that_transformers_shows(inputs):
    model = made("bert").train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    slopes = []
    for shown in (True, False):
        model.zero_grad()
        if shown:
            state = model(**inputs, output_hidden_states=True).hidden_states[2]
        else:
            state = DepthStates(model, depth=2)(inputs)
        state.square().mean(dim=-1)[:, 1].mul(torch.tensor([1.0, -2.0, 3.0])).sum().backward()
        grads = {
            name: each.grad for name, each in model.named_parameters() if each.grad is not None
        }
        slopes.append({name: each.clone() for name, each in grads.items()})
    assert slopes[0].keys() == slopes[1].keys()
    assert not any(name.startswith(("cls", "bert.encoder.layer.2")) for name in slopes[1])
    for name, slope in slopes[0].items():
        torch.testing.assert_close(slopes[1][name], slope, rtol=1e-4, atol=1e-6)


def test_nothing_is_computed_after_the_depth_and_no_hook_stays(inputs):
    model: Any = made("bert")
    states = DepthStates(model, depth=1, states="before_norm")
    own = [len(module._forward_hooks) for module in model.modules()]  # those of transformers
    called: list[int] = []
    hooks = [
        block.register_forward_hook(lambda *_, at=at: called.append(at))
        for at, block in enumerate(model.bert.encoder.layer)
    ]
    states(inputs)
    assert called == [], "the first block is left in its last normalisation"
    for hook in hooks:
        hook.remove()
    assert [len(module._forward_hooks) for module in model.modules()] == own


def test_dropout_is_drawn_in_training_and_making_the_reader_draws_nothing(inputs):
    model = made("bert").train()
    before = torch.get_rng_state()
    states = DepthStates(model, states="before_norm")
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert not torch.equal(states(inputs), states(inputs))
    model.eval()
    assert torch.equal(states(inputs), states(inputs))


def test_the_reader_is_made_anew_for_another_model_or_other_modules():
    model: Any = made("bert")
    first = still_of(None, model, depth=1)
    assert still_of(first, model, depth=1) is first
    assert still_of(first, made("bert"), depth=1) is not first
    model.bert.encoder.layer[0] = made("bert").bert.encoder.layer[0]
    assert still_of(first, model, depth=1) is not first


def test_pooling_leaves_padding_out():
    states = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [50.0, 60.0]]], requires_grad=True)
    present = torch.tensor([[True, True, False]])
    assert pooled_states(states, present, "mean").tolist() == [[2.0, 3.0]]
    assert pooled_states(states, present, "cls").tolist() == [[1.0, 2.0]]
    pooled_states(states, present, "mean").sum().backward()
    assert states.grad is not None
    assert states.grad[0].tolist() == [[0.5, 0.5], [0.5, 0.5], [0.0, 0.0]]


def test_a_depth_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="the model has the depths 0 to 3, not 7"):
        DepthStates(made("bert"), depth=7)
