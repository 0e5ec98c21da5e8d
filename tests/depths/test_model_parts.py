"""Laws of taking a model apart: one forward pass, experiments once, and never of another model."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
import transformers as hf
from model_families import FAMILIES, NUM_BLOCKS, made

from hf_apt.depths.model_parts import parts_of
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.lora import with_adapter


@contextmanager
def passes(trunk: torch.nn.Module) -> Iterator[list[int]]:
    """A list that grows by one with each forward pass of `trunk`."""
    made: list[int] = []
    hook = trunk.register_forward_hook(lambda *_: made.append(1))
    try:
        yield made
    finally:
        hook.remove()


@pytest.fixture
def inputs():
    ids = torch.randint(5, 300, (3, 12), generator=torch.Generator().manual_seed(1))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


@pytest.fixture
def asked(inputs):
    asked = torch.zeros_like(inputs["input_ids"], dtype=torch.bool)
    asked[0, [1, 4]] = asked[2, 0] = True
    return asked


@pytest.mark.parametrize("family", FAMILIES)
def test_a_trunk_is_one_forward_pass_and_the_next_one_none(family, inputs, asked):
    model = made(family)
    with passes(model.base_model) as all_passes:
        first = Trunk(model)
        assert len(all_passes) == 1
        assert first.num_depths == NUM_BLOCKS + 1
        assert first.hidden_size == first.at(inputs, asked).shape[-1]
        experiments = len(all_passes)
        states = Trunk(model).at(inputs, asked)
        assert len(all_passes) == experiments + 1
    assert torch.equal(states, first.at(inputs, asked))


def test_where_every_position_is_asked_for_the_last_block_is_not_experimented_with(inputs):
    model = made("bert")
    with passes(model.base_model) as all_passes:
        Trunk(model).at(inputs, inputs["attention_mask"].bool())
    assert len(all_passes) == 3  # the parts, what makes the states, the answer
    assert parts_of(model).position_wise is None


def test_the_head_is_found_by_a_pass_that_the_trunk_does_not_see(inputs):
    model = made("bert")
    trunk = Trunk(model)
    with passes(model.base_model) as all_passes:
        OwnHead(trunk)
    assert all_passes == [1]  # of the replaced forward


def test_what_was_known_of_a_model_is_forgotten_when_it_is_another(inputs, asked):
    model = made("bert")
    assert Trunk(model).at(inputs, asked).shape[0] == NUM_BLOCKS + 1
    del model.bert.encoder.layer[1:]
    model.config.num_hidden_layers = 1
    states = Trunk(model).at(inputs, asked)
    assert states.shape[0] == 2
    with torch.no_grad():
        shown = model.bert(**inputs, output_hidden_states=True).hidden_states
    torch.testing.assert_close(states[1], shown[1][asked])


class _Mixing(torch.nn.Linear):
    """Positions meet in it, so that it cannot be run at some of them alone."""

    def forward(self, states):
        states = super().forward(states)
        return states + states.mean(dim=1, keepdim=True)


def test_what_takes_the_address_of_a_module_is_not_taken_for_it(inputs, asked):
    model = made("bert")
    last = model.bert.encoder.layer[-1].output
    shape = last.dense.in_features, last.dense.out_features
    last.dense = torch.nn.Linear(*shape)
    for kind in (torch.nn.Linear, _Mixing) * 5:
        del last.dense  # as a rule the next one is given its address
        last.dense = kind(*shape)
        states = Trunk(model).at(inputs, asked)
        with torch.no_grad():
            expected = model.bert(**inputs).last_hidden_state[asked]
        torch.testing.assert_close(states[-1], expected, rtol=1e-4, atol=1e-5)


def test_an_adapter_is_read_with_the_model(inputs, asked):
    model = made("bert")
    before = Trunk(model).at(inputs, asked)
    adapted = with_adapter(model, 2, seed=0).get_base_model()
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight.data)
    states = Trunk(adapted).at(inputs, asked)
    assert not torch.allclose(states[-1], before[-1])
    with torch.no_grad():
        expected = adapted.bert(**inputs).last_hidden_state[asked]
    torch.testing.assert_close(states[-1], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("deepest", [None, 1])
def test_weights_that_were_trained_since_hide_no_maker(inputs, asked, deepest):
    model = made("bert")
    Trunk(model)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.5)
    states = Trunk(model, deepest=deepest).at(inputs, asked)
    assert parts_of(model).makers[len(states)] is not None
    with torch.no_grad():
        shown = model.bert(**inputs, output_hidden_states=True).hidden_states
    torch.testing.assert_close(states[1], shown[1][asked])


def test_another_precision_is_another_model(inputs, asked):
    model = made("bert")
    Trunk(model).at(inputs, asked)
    model.to(torch.float64)
    assert Trunk(model).at(inputs, asked).dtype == torch.float64


def test_under_autocast_the_experiments_are_those_without(inputs, asked):
    model, same = made("bert"), made("bert")
    Trunk(model).at(inputs, asked)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        Trunk(same).at(inputs, asked)
    names = [
        {name for name, module in each.named_modules() if module in parts_of(each).position_wise}
        for each in (model, same)
    ]
    assert names[0] == names[1] != set()
    assert parts_of(same).makers[NUM_BLOCKS + 1] is not None


def test_weights_are_what_they_were(inputs, asked):
    model = made("bert")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    Trunk(model).at(inputs, asked)
    after = model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


T5 = {"vocab_size": 50, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
BERT = {"vocab_size": 50, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
VIT = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 16}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: None, "NoneType is no language model of transformers: hand over a loaded one"),
        (lambda: "bert-base", "'bert-base' is no language model of transformers"),
        (lambda: torch.nn.Linear(2, 2), "Linear is no language model of transformers"),
        (lambda: hf.ViTModel(hf.ViTConfig(**VIT)), "ViTModel is no language model"),
        (lambda: hf.T5ForConditionalGeneration(hf.T5Config(**T5)), "is an encoder-decoder"),
        (lambda: hf.BertModel(hf.BertConfig(**BERT)), "has no trunk apart from its head"),
    ],
)
def test_what_has_no_trunk_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        Trunk(make())
