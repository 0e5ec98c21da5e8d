"""The states that a masked LM's head is given, beside those that the model says itself."""

import copy

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from hf_apt.training.pairs.pair_states import AskedStates


@pytest.fixture
def model() -> BertForMaskedLM:
    config = BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    torch.manual_seed(0)
    return BertForMaskedLM(config).train()


def test_states_are_those_of_the_last_block(model) -> None:
    states = AskedStates(model)
    ids = torch.tensor([[1, 2, 3], [4, 5, 6]])
    inputs = {"input_ids": ids, "labels": ids}
    outputs = model(**inputs, output_hidden_states=True)
    assert torch.equal(states.of(outputs, inputs), outputs.hidden_states[-1].flatten(0, 1))
    with pytest.raises(ValueError, match="not those that BertForMaskedLM has just given"):
        states.of(outputs, inputs)


def test_a_model_that_is_listened_to_can_be_copied(model) -> None:
    states = AskedStates(model)
    ids = torch.tensor([[1, 2, 3]])
    outputs = model(input_ids=ids)
    twin = copy.deepcopy(model)
    assert torch.equal(twin(input_ids=ids).logits, outputs.logits)
    inputs = {"input_ids": ids, "labels": ids}
    assert states.of(outputs, inputs).shape == (3, 8)
