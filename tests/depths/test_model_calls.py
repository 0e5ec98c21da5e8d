"""Models are called with what they know, and their logits read in whatever form they come."""

import pytest
import torch
import transformers as hf
from small_trainers import SMALL
from torch import nn
from transformers.modeling_outputs import MaskedLMOutput, SequenceClassifierOutput

from hf_apt.depths.model_calls import (
    answer_of,
    known_inputs,
    lengths_to_try,
    logits_of,
    named_answers,
    smallest_input,
)
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk


def bert(**changes):
    return hf.BertForMaskedLM(hf.BertConfig(**SMALL, **changes)).eval()


WIDE, NARROW = torch.zeros(1, 4, 65), torch.zeros(1, 4, 16)
ANSWERS = {
    "an output": (MaskedLMOutput(logits=WIDE), WIDE),
    "a classifier's": (SequenceClassifierOutput(logits=NARROW), NARROW),
    "a mapping": ({"loss": None, "logits": WIDE}, WIDE),
    "a second task": ({"seq_relationship_logits": NARROW, "prediction_logits": WIDE}, WIDE),
    "another name": ({"states": NARROW, "scores": WIDE}, WIDE),
    "a tuple": ((WIDE, NARROW), WIDE),
    "a tuple that begins with states": ((NARROW, WIDE), WIDE),
    "a tuple without a loss": ((None, WIDE), WIDE),
    "a tensor": (WIDE, WIDE),
    "states alone": ({"last_hidden_state": NARROW}, None),
    "nothing": (None, None),
}


@pytest.mark.parametrize("form", ANSWERS)
def test_logits_are_read_in_whatever_form_they_come(form):
    answer, logits = ANSWERS[form]
    assert logits_of(bert(), answer) is logits


def test_a_forward_is_given_what_it_knows():
    class Few(nn.Module):
        def forward(self, input_ids, *, output_hidden_states=False):
            return input_ids, output_hidden_states

    inputs = {"input_ids": 1, "attention_mask": 2}
    assert known_inputs(Few(), inputs) == {"input_ids": 1}
    answer = answer_of(Few(), inputs, output_hidden_states=True, return_dict=True)
    assert answer == (1, True)
    assert known_inputs(bert(), inputs) == inputs


def test_lengths_begin_at_four_and_end_at_the_positions():
    model = bert(some_length=24)
    lengths = lengths_to_try(model)
    assert lengths[0] == 4
    assert lengths == sorted(set(lengths))
    assert {8, 24, 32} <= set(lengths)
    assert max(lengths) == 40
    assert smallest_input(model, 24)["input_ids"].shape == (1, 24)


def test_answers_have_names_for_a_while():
    model = bert(return_dict=False)
    inputs = smallest_input(model)
    with named_answers(model):
        assert isinstance(model(**inputs), MaskedLMOutput)
    assert isinstance(model(**inputs), tuple)
    assert model.config.return_dict is False


# Models that answer in their own way, measured.


class Own(hf.BertPreTrainedModel):
    """A head of one's own over BERT, which hands nothing on and has no output embedding."""

    def __init__(self, config):
        super().__init__(config)
        self.bert = hf.BertModel(config, add_pooling_layer=True)
        self.lm = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def states(self, input_ids):
        return self.bert(input_ids).last_hidden_state

    def forward(self, input_ids=None, labels=None):
        return self.answer(self.states(input_ids))

    def answer(self, states):
        return (self.lm(states),)


class AsMapping(Own):
    def answer(self, states):
        return {"states": states, "scores": self.lm(states)}


class AsTensor(Own):
    def answer(self, states):
        return self.lm(states)


class OfTuple(Own):
    def states(self, input_ids):
        states, _ = self.bert(input_ids, return_dict=False)
        return states


class OfDefault(Own):
    def states(self, input_ids):
        return self.bert(input_ids)[0]


CONFIG = hf.BertConfig(**SMALL)
TUPLES = hf.BertConfig(**SMALL, return_dict=False)
MEASURED = {
    "tuples by configuration": (hf.BertForMaskedLM, TUPLES),
    "two tasks": (hf.BertForPreTraining, CONFIG),
    "two tasks in tuples": (hf.BertForPreTraining, TUPLES),
    "a tuple": (Own, CONFIG),
    "a mapping": (AsMapping, CONFIG),
    "a tensor": (AsTensor, CONFIG),
    "a trunk asked for a tuple": (OfTuple, CONFIG),
    "a trunk configured for tuples": (OfDefault, TUPLES),
    "ALBERT in tuples": (
        hf.AlbertForMaskedLM,
        hf.AlbertConfig(**SMALL, embedding_size=8, return_dict=False),
    ),
    "DeBERTa in tuples": (
        hf.DebertaV2ForMaskedLM,
        hf.DebertaV2Config(**SMALL, return_dict=False),
    ),
}


@pytest.mark.parametrize("kind", MEASURED)
def test_the_last_depth_is_the_model_whatever_it_returns(kind):
    model_class, config = MEASURED[kind]
    torch.manual_seed(0)
    model = model_class(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4.0 if weight.dim() > 1 else 1.0)
    ids = torch.randint(5, 65, (5, 8))
    trunk = Trunk(model)
    head = OwnHead(trunk)
    everywhere = torch.ones(5, 8, dtype=torch.bool)
    states = trunk.at({"input_ids": ids}, everywhere)
    with torch.no_grad():
        answer = model(ids)
    expected = {
        "a mapping": lambda: answer["scores"],
        "a tensor": lambda: answer,
        "two tasks": lambda: answer.prediction_logits,
    }.get(kind, lambda: answer[0])()
    torch.testing.assert_close(head.logits(states[-1]), expected.flatten(0, 1))
    assert torch.equal(head(states)[-1], expected.flatten(0, 1).argmax(dim=-1))
    assert len(set(head(states)[-1].tolist())) > 1


NYSTROM = {"segment_means_seq_len": 32, "num_landmarks": 8}


def test_a_model_of_one_length_is_measured_at_it_and_refused_at_another():
    torch.manual_seed(0)
    config = hf.NystromformerConfig(**SMALL, **NYSTROM)
    model = hf.NystromformerForMaskedLM(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4.0 if weight.dim() > 1 else 1.0)
    trunk = Trunk(model).prepare()
    assert trunk.length == 32
    ids = torch.randint(5, 65, (3, 32))
    asked = torch.rand(3, 32) < 0.2
    with torch.no_grad():
        expected = model(ids).logits[asked].argmax(dim=-1)
    assert torch.equal(OwnHead(trunk)(trunk.at({"input_ids": ids}, asked))[-1], expected)
    sentence = "NystromformerForMaskedLM fails on this batch of 20 .* 32 tokens is one"
    with pytest.raises(ValueError, match=sentence):
        trunk.at({"input_ids": ids[:, :20]}, asked[:, :20])


@pytest.mark.parametrize(
    "model_class",
    [
        hf.BertForSequenceClassification,
        hf.BertForTokenClassification,
        hf.BertForNextSentencePrediction,
    ],
)
def test_a_classifier_has_no_own_head(model_class):
    trunk = Trunk(model_class(hf.BertConfig(**SMALL, num_labels=5)))
    sentence = f"{model_class.__name__} has no masked-LM head.* AutoModelForMaskedLM"
    with pytest.raises(ValueError, match=sentence):
        OwnHead(trunk)


def test_a_model_that_fails_on_every_input_is_refused_in_one_sentence():
    model = bert()
    model.bert.encoder.layer[0].forward = None
    with pytest.raises(ValueError, match="BertForMaskedLM cannot be read out by depth: it fails"):
        Trunk(model)


# A head is of the model as it was.


def test_a_trunk_and_a_head_do_not_outlive_the_modules():
    torch.manual_seed(0)
    model = bert()
    trunk = Trunk(model)
    head = OwnHead(trunk)
    inputs, asked = {"input_ids": torch.full((1, 4), 7)}, torch.ones(1, 4, dtype=torch.bool)
    states = trunk.at(inputs, asked)
    model.set_output_embeddings(nn.Linear(16, 70))
    assert not trunk.is_current
    for use in (
        lambda: trunk.at(inputs, asked),
        lambda: head(states),
        lambda: head.sweep(states, torch.zeros(4, dtype=torch.long)),
    ):
        with pytest.raises(ValueError, match="modules of BertForMaskedLM have changed since"):
            use()
    anew = OwnHead(Trunk(model))
    assert anew.logits(states[-1]).shape == (4, 70)


def test_a_vocabulary_that_grows_is_answered_from():
    model = bert()
    trunk = Trunk(model)
    head = OwnHead(trunk)
    model.resize_token_embeddings(70)
    with torch.no_grad():
        model.cls.predictions.bias[69] = 100.0
    states = trunk.at({"input_ids": torch.full((1, 4), 68)}, torch.ones(1, 4, dtype=torch.bool))
    assert set(head(states).flatten().tolist()) == {69}


def test_weights_may_change_under_a_trunk():
    model = bert()
    trunk = Trunk(model)
    with torch.no_grad():
        model.cls.predictions.bias[9] = 100.0
    model.to(torch.bfloat16).train()
    assert trunk.is_current
    assert set(OwnHead(trunk)(torch.zeros(3, 2, 16, dtype=torch.bfloat16)).flatten().tolist()) == {
        9
    }
