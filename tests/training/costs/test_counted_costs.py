"""Laws of counted costs: those of a real forward pass of the model, and of our own formulas."""

import copy

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    AlbertConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    GPT2Config,
    ModernBertConfig,
    RobertaConfig,
)

from hf_apt.models.fresh import sized_model
from hf_apt.models.shapes import ConvShape, ModelShape
from hf_apt.training.costs.counted_costs import CountedCosts, counted_costs, weightless_model
from hf_apt.training.costs.model_costs import ModelCosts

V, T = 90, 16
"""Token ids, and tokens of a sequence."""
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": V}
INNER = {"intermediate_size": 48}
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
CONFIGS = [
    BertConfig(**SMALL, **INNER),
    RobertaConfig(**SMALL, **INNER),
    AlbertConfig(**SMALL, **INNER, embedding_size=16),
    DistilBertConfig(dim=32, n_layers=2, n_heads=4, hidden_dim=48, vocab_size=V),
    ModernBertConfig(**SMALL, **INNER, **SPECIAL, local_attention=8),
    GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=V, bos_token_id=1, eos_token_id=2),
]


def of(config) -> CountedCosts:
    return counted_costs(weightless_model(config), sequence_length=T)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.model_type)
def test_flops_are_those_of_a_real_forward_pass(config):
    """To the last one, at two widths; of the trunk, and of the head at each position."""
    costs = of(config)
    kind = AutoModelForCausalLM if config.model_type == "gpt2" else AutoModelForMaskedLM
    real = kind.from_config(copy.deepcopy(config), attn_implementation="eager").eval()
    for width in (T, 6):
        ids_BT = torch.ones(1, width, dtype=torch.long)
        found = []
        for module in (real.base_model, real):
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                module(input_ids=ids_BT)
            found.append(counter.get_total_flops())
        assert costs.trunk_flops(width) == found[0]
        assert costs.trunk_flops(width) + width * costs.head_flops() == found[1]
    assert costs.num_parameters == real.num_parameters()
    assert costs.num_depths == 3
    assert costs.shape.hidden_size == 32


@pytest.mark.parametrize("conv", [None, ConvShape(num_channels=4)], ids=["bert6", "conv"])
def test_those_of_our_own_models_are_those_of_the_formulas(conv):
    shape = ModelShape(hidden_size=32, num_heads=4, num_blocks=2, conv=conv)
    told = ModelCosts(shape=shape, vocab_size=V, sequence_length=T)
    found = of(sized_model(shape, vocab_size=V, num_positions=T).config)
    assert [found.trunk_flops(width) for width in (T, 6)] == [
        told.trunk_flops(width) for width in (T, 6)
    ]
    assert found.head_flops() == told.head_flops()
    assert found.num_depths == told.num_depths
    assert found.num_parameters == told.num_parameters


def test_a_block_multiplies_as_much_as_the_bert_that_stands_for_it():
    assert of(CONFIGS[0]).shape.intermediate_size == 48
    shared = of(CONFIGS[2])  # ALBERT has one block's weights, and runs them twice
    assert shared.shape.intermediate_size == pytest.approx(48, abs=16)
    assert shared.num_parameters < of(CONFIGS[0]).num_parameters


def test_a_width_is_counted_once():
    costs = of(CONFIGS[0])
    for _ in range(3):
        costs.trunk_flops(6)
        costs.head_flops()
    assert costs.count.cache_info().misses == 2  # pyright: ignore[reportFunctionMemberAccess]


def test_what_cannot_be_run_without_numbers_is_refused():
    config = DebertaV2Config(**SMALL, **INNER, relative_attention=True, pos_att_type=["c2p"])
    with pytest.raises(ValueError, match=r"FLOPs of DebertaV2ForMaskedLM cannot be counted: .*\."):
        of(config)


def test_counting_draws_nothing_and_changes_no_configuration():
    config = CONFIGS[0]
    before, state = config.to_json_string(use_diff=False), torch.get_rng_state()
    of(config)
    assert torch.equal(torch.get_rng_state(), state)
    assert config.to_json_string(use_diff=False) == before
