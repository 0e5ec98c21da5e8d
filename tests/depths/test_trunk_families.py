"""Taking models apart that hand over more than hidden states, or hand them over in another way."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers as hf
from small_trainers import FAMILIES, SMALL, made

from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk

EXPERTS = {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 8}
OPT = {"vocab_size": 65, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
MAMBA = {"vocab_size": 65, "hidden_size": 16, "num_hidden_layers": 2, "state_size": 4}

OTHERS: dict[str, Callable[[], Any]] = {
    "head reads attentions": lambda: hf.LongformerForMaskedLM(
        hf.LongformerConfig(**SMALL, attention_window=4)
    ),
    "head reads the routing": lambda: hf.Qwen3MoeForCausalLM(
        hf.Qwen3MoeConfig(**SMALL, **EXPERTS, head_dim=8, num_key_value_heads=1)
    ),
    "head reads a cache": lambda: hf.MambaForCausalLM(hf.MambaConfig(**MAMBA)),
    "base model is passed over": lambda: hf.OPTForCausalLM(
        hf.OPTConfig(**OPT, ffn_dim=32, max_position_embeddings=40, word_embed_proj_dim=16)
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_the_last_depth_is_the_model(kind):
    torch.manual_seed(0)
    model = OTHERS[kind]().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4.0 if weight.dim() > 1 else 1.0)
    ids = torch.randint(5, 65, (5, 8))
    asked = torch.rand(5, 8) < 0.6
    trunk = Trunk(model)
    predictions = OwnHead(trunk)(trunk.at({"input_ids": ids}, asked))
    with torch.no_grad():
        expected = model(input_ids=ids).logits[asked].argmax(dim=-1)
    assert trunk.num_depths == 3
    assert torch.equal(predictions[-1], expected)
    assert len(set(expected.tolist())) > 1


def test_a_bias_that_is_zero_before_training_is_seen_after_it():
    """ESM adds it behind the decoder: a fresh model's logits are the decoder's."""
    model = hf.EsmForMaskedLM(hf.EsmConfig(**SMALL, pad_token_id=0, mask_token_id=4)).eval()
    head = OwnHead(Trunk(model))
    hidden = torch.randn(1, 6, 16)
    before = head(hidden)
    with torch.no_grad():
        model.lm_head.bias[7] = 100.0
    assert set(before.flatten().tolist()) != {7}
    assert set(head(hidden).flatten().tolist()) == {7}


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_never_held_whole_in_half_precision_either(family):
    model = made(family).to(torch.bfloat16)
    trunk = Trunk(model)
    head = OwnHead(trunk)
    assert head._decoder is not None
    ids = torch.randint(5, 65, (5, 8), generator=torch.Generator().manual_seed(1))
    everywhere = torch.ones(5, 8, dtype=torch.bool)
    with torch.no_grad():
        logits = model(input_ids=ids).logits[everywhere]
    found = head(trunk.at({"input_ids": ids}, everywhere))[-1]
    best = logits.max(dim=-1).values
    assert (logits.gather(-1, found[:, None])[:, 0] >= best - best.abs() * 2**-6).all()


def test_a_model_without_logits_is_refused():
    config = hf.BertConfig(**SMALL)
    sentence = "BertForQuestionAnswering has no trunk .* or returns no logits"
    with pytest.raises(ValueError, match=sentence):
        Trunk(hf.BertForQuestionAnswering(config))


def test_two_stacks_of_blocks_are_refused():
    size = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    config = hf.BartConfig(vocab_size=65, d_model=16, max_position_embeddings=16, **size, **heads)
    with pytest.raises(ValueError, match="BartForConditionalGeneration is an encoder-decoder"):
        Trunk(hf.BartForConditionalGeneration(config))
