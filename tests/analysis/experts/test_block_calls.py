"""Laws of the layers that parts write by: the right one of every family, a sentence for others."""

from typing import Any

import model_families
import pytest
import transformers as hf
from causal_families import made

from hf_apt.analysis.experts.block_calls import writing_layer
from hf_apt.depths.trunk import Trunk

SMALL: dict[str, Any] = dict(model_families.SMALL)

EXPECTED = {
    "bert": "attention.output.dense",
    "roberta": "attention.output.dense",
    "albert": "attention.dense",
    "distilbert": "attention.out_lin",
    "modernbert": "attn.Wo",
    "deberta-v2": "attention.output.dense",
    "gpt2": "attn.c_proj",
    "llama of grouped queries": "self_attn.o_proj",
    "qwen3 of wide heads": "self_attn.o_proj",
}


@pytest.mark.parametrize("family", EXPECTED)
def test_heads_write_by_the_output_projection(family) -> None:
    model = made(family)
    trunk = Trunk(model)
    names = {module: name for name, module in model.named_modules()}
    for block in (1, 3):
        layer = writing_layer(trunk, block, "heads")
        assert names[layer.call.module].endswith(EXPECTED[family])
        assert layer.num_parts == 4
        assert layer.size == (16 if "wide" in family else 8)
        assert layer.weight().shape == (32, layer.width)
        assert len(layer.below) == block - 1
        nodes = writing_layer(trunk, block, "nodes")
        assert (nodes.call, nodes.num_parts, nodes.size) == (layer.call, layer.width, 1)


def test_blocks_of_shared_weights_are_told_apart_by_their_calls() -> None:
    trunk = Trunk(made("albert"))
    assert [writing_layer(trunk, block, "heads").call.number for block in (1, 2, 3)] == [0, 1, 2]


@pytest.mark.parametrize("family", ["bert", "modernbert", "gpt2", "llama of grouped queries"])
def test_feed_forward_units_write_by_its_second_layer(family) -> None:
    layer = writing_layer(Trunk(made(family)), 2, "feed_forward")
    assert layer.num_parts == (128 if family == "gpt2" else 64)
    assert layer.weight().shape == (32, layer.num_parts)


@pytest.mark.parametrize(
    "model",
    [
        lambda: hf.FNetForMaskedLM(
            hf.FNetConfig(
                **{key: SMALL[key] for key in SMALL if key != "num_attention_heads"},
                tpu_short_seq_length=64,
            )
        ),
        lambda: hf.MambaForCausalLM(
            hf.MambaConfig(vocab_size=300, hidden_size=32, num_hidden_layers=3)
        ),
        lambda: model_families.made("mobilebert"),  # a bottleneck stands before its queries
    ],
    ids=["fnet", "mamba", "mobilebert"],
)
def test_a_model_whose_heads_cannot_be_told_is_refused(model) -> None:
    with pytest.raises(ValueError, match="no attention heads to be told in block 1"):
        writing_layer(Trunk(model().eval()), 1, "heads")


@pytest.mark.parametrize("block", [0, 4])
def test_a_block_that_is_not_there_is_refused(block) -> None:
    with pytest.raises(ValueError, match=f"the blocks 1 to 3, not {block}"):
        writing_layer(Trunk(made("bert")), block, "heads")
