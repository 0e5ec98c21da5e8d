"""Masked or causal is told by what a model does, and not by its name."""

import pytest
import torch
import transformers as hf
from model_families import every_family
from model_families import made as made_masked
from small_trainers import CAUSAL, IDS, SMALL
from torch import nn
from transformers.modeling_outputs import CausalLMOutput, MaskedLMOutput

from hf_apt.depths.causality import is_causal

XLNET = {"vocab_size": 65, "d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32}
XLM = {"vocab_size": 65, "emb_dim": 16, "n_layers": 2, "n_heads": 2}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 8}
MAMBA = {"vocab_size": 65, "hidden_size": 16, "num_hidden_layers": 2, "state_size": 4}


class Tagged(hf.BertForMaskedLM):
    """A masked model with a name of its own."""


class NamedForMaskedLM(hf.GPT2LMHeadModel):
    """A causal model with the name of a masked one."""


class OwnHeads(hf.BertPreTrainedModel):
    """A model of one's own, masked or causal as its configuration says."""

    form: type = MaskedLMOutput

    def __init__(self, config):
        super().__init__(config)
        self.bert = hf.BertModel(config, add_pooling_layer=False)
        self.lm = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None):
        states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.form(logits=self.lm(states))


class OwnCausal(OwnHeads):
    form = CausalLMOutput


def bert(**changes):
    return hf.BertConfig(**SMALL | changes)


READ_BOTH_WAYS = {
    "a name of its own": lambda: Tagged(bert()),
    "a head of its own": lambda: OwnHeads(bert()),
    "the output class of a causal model": lambda: OwnCausal(bert()),
    "XLNet": lambda: hf.XLNetLMHeadModel(hf.XLNetConfig(**XLNET)),
    "XLM": lambda: hf.XLMWithLMHeadModel(hf.XLMConfig(**XLM)),
    "two tasks": lambda: hf.BertForPreTraining(bert()),
    "a causal class that reads both ways": lambda: hf.BertLMHeadModel(bert()),
    "tuples": lambda: hf.BertForMaskedLM(bert(return_dict=False)),
}
READ_BACKWARDS = CAUSAL | {
    "the name of a masked model": lambda: NamedForMaskedLM(hf.GPT2Config(n_embd=16, n_head=2)),
    "an encoder as a decoder": lambda: OwnHeads(bert(is_decoder=True)),
    "XLM": lambda: hf.XLMWithLMHeadModel(hf.XLMConfig(**XLM, causal=True)),
    "a state": lambda: hf.MambaForCausalLM(hf.MambaConfig(**MAMBA)),
    "experts": lambda: hf.Qwen3MoeForCausalLM(
        hf.Qwen3MoeConfig(**SMALL, **EXPERTS, head_dim=8, num_key_value_heads=1)
    ),
    "modernbert": lambda: hf.ModernBertDecoderForCausalLM(
        hf.ModernBertDecoderConfig(**SMALL, **IDS)
    ),
}


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@every_family
def test_masked_language_models_are_not_causal(family):
    assert not is_causal(made_masked(family))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", READ_BOTH_WAYS)
def test_a_model_that_reads_both_ways_is_masked(kind, dtype):
    assert not is_causal(READ_BOTH_WAYS[kind]().to(dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", READ_BACKWARDS)
def test_a_model_that_no_later_token_changes_is_causal(kind, dtype):
    assert is_causal(READ_BACKWARDS[kind]().to(dtype))


def without_attention(model):
    """A model in which no position has an effect on another."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "attention.output.dense" in name:
                weight.zero_()
    return model


def test_where_no_token_has_an_effect_the_class_and_its_configuration_are_asked():
    assert not is_causal(without_attention(Tagged(bert())))
    assert is_causal(without_attention(Tagged(bert(is_decoder=True))))
    assert is_causal(without_attention(OwnHeads(bert())))


def test_dropout_plays_no_part_and_the_mode_is_kept():
    model = hf.GPT2LMHeadModel(hf.GPT2Config(n_embd=16, n_head=2, attn_pdrop=0.5)).train()
    drawn = torch.get_rng_state()
    assert is_causal(model)
    assert model.training
    assert torch.equal(torch.get_rng_state(), drawn)


def test_it_is_tried_once_and_again_when_modules_change():
    model, passes = Tagged(bert()), []
    model.register_forward_hook(lambda *_: passes.append(1))
    assert not is_causal(model)
    assert not is_causal(model)
    assert len(passes) == 3
    decoder = Tagged(bert(is_decoder=True))
    model.bert.encoder = decoder.bert.encoder
    model.config.is_decoder = True
    assert is_causal(model)


def test_what_answers_with_no_token_is_refused():
    with pytest.raises(ValueError, match="BertForSequenceClassification returns no logits of each"):
        is_causal(hf.BertForSequenceClassification(bert()))
