"""Laws of computing the last block where a token is asked for: nothing else changes."""

import copy
import math

import pytest
import torch
import transformers as hf
from model_families import FAMILIES, made
from torch import nn

from hf_apt.depths.last_block import asked_only, position_wise_modules
from hf_apt.depths.trunk import Trunk

ALL_OF_A_BERT = {"attention.self.query", "attention.output", "intermediate", "output"}


def names_in_last_block(trunk: Trunk) -> set[str]:
    """The position-wise modules of `trunk`, by their names within the last block."""
    of = {id(module): name for name, module in trunk.module.named_modules()}
    return {of[id(module)].split(".2.", 1)[1] for module in trunk._position_wise()}


@pytest.mark.parametrize("family", FAMILIES)
def test_states_are_those_of_the_whole_pass(family):
    model = made(family)
    trunk = Trunk(model)
    ids = torch.randint(5, 300, (4, 16), generator=torch.Generator().manual_seed(2))
    present = torch.ones_like(ids)
    present[1, 9:] = 0
    inputs = {"input_ids": ids, "attention_mask": present}
    asked = torch.zeros_like(ids, dtype=torch.bool)
    asked[0, [2, 5]] = asked[1, 8] = asked[3, 15] = True
    few = trunk.at(inputs, asked)
    trunk._position_wise = lambda: ()
    torch.testing.assert_close(few, trunk.at(inputs, asked), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "roberta", "electra"])
def test_all_but_keys_values_and_attention_is_left_out(family):
    assert names_in_last_block(Trunk(made(family))) == ALL_OF_A_BERT


def test_shared_blocks_are_left_whole():
    assert Trunk(made("albert"))._position_wise() == ()


def test_attention_that_is_zero_now_is_not_taken_for_position_wise():
    model = made("bert")
    with torch.no_grad():
        for layer in model.bert.encoder.layer:
            layer.attention.self.value.weight.zero_()
            layer.attention.self.value.bias.zero_()
    assert names_in_last_block(Trunk(model)) == ALL_OF_A_BERT


def test_the_experiment_leaves_the_model_as_it_was():
    model = made("bert").train()
    before = copy.deepcopy(model.state_dict())
    places = {name: weight.data_ptr() for name, weight in model.named_parameters()}
    drawn = torch.get_rng_state()
    Trunk(model)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert {name: weight.data_ptr() for name, weight in model.named_parameters()} == places
    assert torch.equal(torch.get_rng_state(), drawn)
    assert not any("forward" in module.__dict__ for module in model.modules())
    assert all(module.training for module in model.modules())


def test_integer_weights_are_left_alone():
    model = made("bert")
    last = model.bert.encoder.layer[-1].output.dense
    last.weight = nn.Parameter(last.weight.to(torch.int8), requires_grad=False)
    trunk = model.bert

    def states(inputs):
        return trunk(**inputs).last_hidden_state

    assert position_wise_modules(trunk, states, 300) == ()


def test_a_module_answers_where_it_is_asked_and_nowhere_else():
    linear = nn.Linear(3, 2)
    states = torch.randn(2, 4, 3)
    asked = torch.tensor([[True, False, False, True], [False, False, True, False]])
    with asked_only([linear], (2, 4), torch.tensor([0, 3, 6]), elsewhere=math.nan) as calls:
        answers = linear(states)
    torch.testing.assert_close(answers[asked], linear(states[asked]))
    assert answers[~asked].isnan().all()
    assert calls == [1]
    assert linear(states).isfinite().all()


def test_nobody_asks():
    trunk = Trunk(made("bert"))
    ids = torch.full((2, 5), 7)
    none = torch.zeros_like(ids, dtype=torch.bool)
    assert trunk.at({"input_ids": ids}, none).shape == (4, 0, 32)


def test_a_wrapped_forward_comes_back():
    linear = nn.Linear(3, 2)
    wrapped = linear.forward = lambda states: torch.zeros(*states.shape[:-1], 2)
    with asked_only([linear], (1, 2), torch.arange(2)):
        assert linear.forward is not wrapped
    assert linear.forward is wrapped


def test_blocks_of_a_causal_model():
    config = hf.GPT2Config(vocab_size=300, n_embd=32, n_layer=3, n_head=4, n_positions=64)
    assert names_in_last_block(Trunk(hf.GPT2LMHeadModel(config))) == {"attn.c_proj", "ln_2", "mlp"}


class _FarNeighbours(nn.Module):
    """A feed-forward layer that also looks eight positions back and ahead."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner
        self.conv = nn.Conv1d(32, 32, 3, padding=8, dilation=8)

    def forward(self, hidden_states):
        mixed = self.conv(hidden_states.transpose(1, 2)).transpose(1, 2)
        return self.inner(hidden_states + mixed)


def test_positions_that_meet_from_afar_are_noticed():
    model = made("bert")
    last = model.bert.encoder.layer[-1]
    last.intermediate = _FarNeighbours(last.intermediate)
    trunk = Trunk(model)
    ids = torch.randint(5, 300, (2, 40), generator=torch.Generator().manual_seed(3))
    asked = torch.rand(ids.shape, generator=torch.Generator().manual_seed(4)) < 0.2
    few = trunk.at({"input_ids": ids}, asked)
    with torch.no_grad():
        whole = model.bert(ids, output_hidden_states=True).last_hidden_state[asked]
    torch.testing.assert_close(few[-1], whole, rtol=1e-4, atol=1e-5)


def test_a_model_that_cannot_be_experimented_on_is_read_as_ever():
    torch.manual_seed(0)
    config = hf.BertConfig(
        **{"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2},
        intermediate_size=64,
        max_position_embeddings=4,
    )
    model = hf.BertForMaskedLM(config).eval()
    trunk = Trunk(model)
    assert trunk._position_wise() == ()
    ids = torch.tensor([[7, 8, 9, 10]])
    asked = torch.tensor([[False, True, False, False]])
    with torch.no_grad():
        expected = model.bert(ids).last_hidden_state[asked]
    torch.testing.assert_close(trunk.at({"input_ids": ids}, asked)[-1], expected)
