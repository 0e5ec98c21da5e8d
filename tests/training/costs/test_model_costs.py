"""Laws of what a model costs: torch's own count of FLOPs, of parameters, of what it keeps."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import sized_model
from hf_apt.models.shapes import SHAPES, ConvShape, ModelShape
from hf_apt.training.costs.model_costs import ModelCosts

PLAIN = ModelShape(hidden_size=32, num_heads=4, num_blocks=2, dropout=0.0)
MODELS = {
    "plain": PLAIN,
    "odd": replace(PLAIN, hidden_size=24, num_heads=3, num_blocks=3),
    "conv": replace(PLAIN, conv=ConvShape(num_channels=5)),
    "deep conv": replace(PLAIN, conv=ConvShape(num_layers=3, num_channels=4)),
    "tall conv": replace(PLAIN, num_blocks=1, conv=ConvShape(num_channels=4, kernel=(6, 3))),
    "even conv": replace(PLAIN, num_blocks=1, conv=ConvShape(num_channels=4, kernel=(2, 4))),
}
V, B, T, ASKED = 101, 3, 16, 2
"""Token ids, sequences, tokens of each, and how many of these are asked for."""


def model_of(shape: ModelShape):
    torch.manual_seed(0)
    model = sized_model(shape, vocab_size=V, num_positions=T)
    model.set_attn_implementation("eager")  # whose products the counter sees
    return model.train()


def inputs(width: int = T) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.full((B, width), -100)
    labels[:, :ASKED] = 7
    return {"input_ids": torch.randint(5, V, (B, width), generator=generator), "labels": labels}


def counted(call) -> tuple[int, object]:
    with FlopCounterMode(display=False) as counter:
        result = call()
    return counter.get_total_flops(), result


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("width", [T, 8])
def test_forward_flops_are_those_that_torch_counts(name, width):
    """To the last one: products, attention, convolutions; at modified positions behind them."""
    costs = ModelCosts(shape=MODELS[name], vocab_size=V, sequence_length=T)
    model = model_of(MODELS[name])
    found, _ = counted(lambda: model(**inputs(width)))
    spared = B * (width - ASKED) * costs.spared_flops(training=True)
    assert found == B * costs.trunk_flops(width) - spared + B * ASKED * costs.head_flops()


@pytest.mark.parametrize("name", MODELS)
def test_a_trunk_that_is_asked_for_few_positions_does_less(name):
    costs = ModelCosts(shape=MODELS[name], vocab_size=V, sequence_length=T)
    model, batch = model_of(MODELS[name]), inputs()
    trunk, asked = Trunk(model).prepare(), batch["labels"] != -100
    few, _ = counted(lambda: trunk.at({"input_ids": batch["input_ids"]}, asked))
    assert few == B * costs.trunk_flops(T) - B * (T - ASKED) * costs.spared_flops(training=False)
    everywhere = torch.ones_like(asked)
    whole, _ = counted(lambda: trunk.at({"input_ids": batch["input_ids"]}, everywhere))
    assert whole == B * costs.trunk_flops(T)


@pytest.mark.parametrize("name", MODELS)
def test_backward_is_twice_forward(name):
    model = model_of(MODELS[name])
    forward, output = counted(lambda: model(**inputs()))
    backward, _ = counted(lambda: output.loss.backward())
    assert backward == 2 * forward


def test_evaluation_asks_the_head_everywhere():
    costs = ModelCosts(shape=PLAIN, vocab_size=V, sequence_length=T)
    model = model_of(PLAIN).eval()
    found, _ = counted(lambda: model(**inputs()))
    assert found == B * costs.trunk_flops(T) + B * T * costs.head_flops()


@pytest.mark.parametrize("kind", ["linear_head", "mlm_head"])
def test_heads_on_a_frozen_trunk_need_no_gradient_of_its_states(kind):
    costs = ModelCosts(shape=PLAIN, vocab_size=V, sequence_length=T)
    heads = DepthHeads(kind, costs.num_depths, PLAIN.hidden_size, V)
    assert sum(weights.numel() for weights in heads.parameters()) == (
        costs.trained_head_parameters(kind)
    )
    hidden_DNH, labels_N = torch.randn(costs.num_depths, 9, PLAIN.hidden_size), torch.arange(9)
    found, _ = counted(lambda: heads.loss(hidden_DNH, labels_N).backward())
    assert found == 9 * costs.num_depths * costs.head_training_flops(kind)


@pytest.mark.parametrize("name", [*SHAPES, *MODELS])
def test_parameters_are_those_of_the_model(name):
    shape = (SHAPES | MODELS)[name]
    with torch.device("meta"):
        model = sized_model(shape, vocab_size=30_522, num_positions=128)
    costs = ModelCosts(shape=shape, vocab_size=30_522, sequence_length=128)
    assert costs.num_parameters == model.num_parameters()


def test_a_block_of_the_papers_width_costs_what_arithmetic_says():
    """14.16 and 0.39 MFLOP a token at 128 tokens; a decoder of 30,522 tokens 46.88."""
    costs = ModelCosts(shape=SHAPES["bert-6"], vocab_size=30_522, sequence_length=128)
    assert costs.trunk_flops(128) / 128 / 6e6 == pytest.approx(14.16 + 0.39, abs=0.01)
    assert costs.head_flops() / 1e6 == pytest.approx(1.18 + 46.88, abs=0.01)
    assert costs.num_depths == 7
    assert ModelCosts(shape=SHAPES["bert-1-conv2"], vocab_size=9, sequence_length=9).num_depths == 3


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("name", ["plain", "odd", "conv", "deep conv", "even conv"])
def test_what_is_kept_for_the_backward_pass_is_estimated_within_15_percent(name, dropout):
    shape = replace(MODELS[name], dropout=dropout)
    costs = ModelCosts(shape=shape, vocab_size=V, sequence_length=T)
    model = sized_model(shape, vocab_size=V, num_positions=T).train()
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}
    alive = []  # lest an address be used twice

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(**inputs())
    expected = costs.saved_bytes(B * T, B * ASKED)
    assert sum(kept.values()) == pytest.approx(expected, rel=0.15)
