"""Laws of states cut out where they are made: those of the whole pass, and no block too many."""

import pytest
import torch
from model_families import FAMILIES, NUM_BLOCKS, made
from torch import nn

from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.state_hooks import makers, tapped
from hf_apt.depths.trunk import Trunk

UNTAPPED = {"albert"}
"""Families that make all their states by one and the same module."""


def asked_of(model, inputs):
    """A trunk, asked for some positions, and what transformers says of them."""
    asked = torch.zeros_like(inputs["input_ids"], dtype=torch.bool)
    asked[0, [1, 4]] = asked[2, 0] = True
    with torch.no_grad():
        outputs = Trunk(model).module(**inputs, output_hidden_states=True, return_dict=True)
    return asked, [state[asked] for state in outputs.hidden_states[:-1]]


@pytest.fixture
def inputs():
    ids = torch.randint(5, 300, (3, 8), generator=torch.Generator().manual_seed(1))
    present = torch.ones_like(ids)
    present[1, 5:] = 0
    return {"input_ids": ids, "attention_mask": present}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("deepest", [0, 1, NUM_BLOCKS])
def test_states_are_those_that_transformers_shows(family, deepest, inputs):
    model = made(family)
    asked, shown = asked_of(model, inputs)
    trunk = Trunk(model, deepest=deepest)
    assert (trunk.state_makers() is None) == (family in UNTAPPED and deepest > 0)
    assert trunk.num_depths == deepest + 1
    states = trunk.at(inputs, asked)
    assert len(states) == deepest + 1
    norm = trunk._parts.final_norm or (lambda state: state)
    for state, expected in zip(states, shown, strict=False):  # the last of all is not among them
        with torch.no_grad():
            torch.testing.assert_close(state, norm(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", sorted(FAMILIES.keys() - UNTAPPED))
def test_nothing_is_computed_behind_the_deepest(family, inputs):
    model = made(family)
    asked, _ = asked_of(model, inputs)
    trunk = Trunk(model, deepest=1)
    trunk.at(inputs, asked)  # experiments are made once, before the first answer
    called = []
    blocks = next(
        module
        for module in trunk.module.modules()
        if isinstance(module, nn.ModuleList) and len(module) == NUM_BLOCKS
    )
    for number, block in enumerate(blocks, 1):
        block.register_forward_hook(lambda *_, number=number: called.append(number))
    trunk.at(inputs, asked)
    assert called in ([1], [])  # [] where a part of the block makes its state: DeBERTa's output
    assert not [module for module in model.modules() if "forward" in module.__dict__]


def test_answers_at_shallow_depths_are_those_of_the_whole(inputs):
    model = made("bert")
    asked, _ = asked_of(model, inputs)
    whole, shallow = Trunk(model), Trunk(model, deepest=2)
    found = OwnHead(shallow)(shallow.at(inputs, asked))
    assert torch.equal(found, OwnHead(whole)(whole.at(inputs, asked))[:3])


@pytest.mark.parametrize("deepest", [-1, 4])
def test_a_depth_that_is_not_there_is_refused(deepest):
    with pytest.raises(ValueError, match=f"the model has the depths 0 to 3, not {deepest}"):
        Trunk(made("bert"), deepest=deepest)


def test_a_module_that_makes_two_states_makes_none():
    shared = nn.Identity()
    one, two = torch.ones(1, 2, 3), torch.ones(1, 2, 3)
    assert makers([(shared, one), (shared, two)], [one, two]) is None
    assert makers([(shared, one), (nn.Identity(), two)], [one, torch.ones(1, 2, 3)]) is None


def test_hooks_are_gone_when_a_pass_fails():
    module = nn.Identity()

    def fail():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        tapped([module], torch.arange(1), fail, stop=True)
    assert not module._forward_hooks


def test_a_state_of_another_order_of_axes_has_no_maker():
    time_first = torch.ones(4, 1, 3)
    state = time_first.transpose(0, 1)
    assert state.data_ptr() == time_first.data_ptr()
    assert makers([(nn.Identity(), time_first)], [state]) is None
