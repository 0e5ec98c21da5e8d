"""Laws of the model FLOPs of training: those of a run's costs, which torch's count confirms."""

from dataclasses import replace

import pytest
from planned_costs import CONFIG, CONV, T, costs_of
from transformers import BertConfig, DebertaV2Config

from hf_apt.models.fresh import sized_model
from hf_apt.models.shapes import SHAPES
from hf_apt.runs.phase_costs import phase_costs
from hf_apt.training.costs import training_flops
from hf_apt.training.costs.model_costs import ModelCosts
from hf_apt.training.costs.training_flops import flops_by_steps, heads_flops, pretraining_flops


@pytest.mark.parametrize("config", [CONFIG, CONV], ids=["bert6", "conv"])
def test_all_steps_take_the_flops_of_the_phase(config):
    """Which `tests/runs/test_phase_costs.py` counts in a real run."""
    costs = costs_of(config)
    unseen = replace(config.pretrain, num_validation_sequences=0)
    phases = phase_costs(replace(config, pretrain=unseen), costs, num_held_out=50)
    found = pretraining_flops(
        23,
        costs,
        batch_size=8,
        length=T,
        masking_rate=0.3,
        windows=tuple((width, round(share * 23)) for width, share in config.pretrain.windows),
    )
    assert found == pytest.approx(phases[0].work.flops)


@pytest.mark.parametrize("num_distinct", [None, 5, 20])
@pytest.mark.parametrize("kinds", [("linear_head",), ("linear_head", "mlm_head")])
def test_all_steps_of_heads_take_the_flops_of_the_phase(kinds, num_distinct):
    costs = costs_of(CONFIG)
    asked = replace(CONFIG.heads, num_distinct_steps=num_distinct)
    phase = phase_costs(replace(CONFIG, heads=asked, head_kinds=kinds), costs, 50)[1]

    def steps(num_steps: int) -> float:
        return heads_flops(
            num_steps,
            costs,
            kinds,
            batch_size=8,
            length=T,
            masking_rate=0.15,
            num_distinct=num_distinct,
        )

    assert steps(12) == pytest.approx(phase.work.flops)
    again = steps(12) - steps(11)  # of a step whose states are kept, the heads alone
    assert (again < 0.9 * steps(1)) == (num_distinct == 5)


def test_steps_are_counted_at_the_width_that_they_are_read_at():
    costs = costs_of(CONFIG)
    settings = {"batch_size": 8, "length": T, "masking_rate": 0.3}
    windows = ((8, 3), (12, 5))

    def steps(num_steps: int) -> float:
        return pretraining_flops(num_steps, costs, windows=windows, **settings)

    assert steps(0) == 0
    for number, width in enumerate([8, 8, 8, 12, 12, T, T], 1):
        narrower = 3 * 8 * (costs.trunk_flops(T) - T / width * costs.trunk_flops(width))
        whole = pretraining_flops(1, costs, **settings)
        assert steps(number) - steps(number - 1) == pytest.approx(whole - narrower)


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "bert-1-wide"])
def test_a_model_has_the_costs_of_its_configuration(name):
    shape = replace(SHAPES[name], hidden_size=48, num_heads=4)
    model = sized_model(shape, vocab_size=101, num_positions=16)
    costs = training_flops.costs_of(model.config)
    assert costs == ModelCosts(shape=shape, vocab_size=101, sequence_length=16)
    assert costs.num_parameters == model.num_parameters()


SIZES = {"vocab_size": 65, "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
SETTINGS = {"batch_size": 8, "length": T, "masking_rate": 0.3}


@pytest.mark.parametrize(
    ("flops", "more"),
    [
        (pretraining_flops, {"windows": ((8, 3),)}),
        (heads_flops, {"kinds": ("linear_head",), "num_distinct": 5}),
    ],
)
def test_any_other_model_is_counted(flops, more):
    """A BERT of transformers, of the same shape, has the same model FLOPs as ours."""
    stock = BertConfig(**SIZES, intermediate_size=64)
    by_steps = flops_by_steps(flops, stock, **SETTINGS, **more)
    assert by_steps is not None
    for number in (1, 7):
        assert by_steps(number) == pytest.approx(
            flops(number, costs_of(CONFIG), **SETTINGS, **more)
        )


def test_a_model_that_cannot_be_counted_has_none():
    config = DebertaV2Config(**SIZES, relative_attention=True, pos_att_type=["c2p"])
    assert flops_by_steps(pretraining_flops, config, **SETTINGS) is None


def test_formulas_are_for_our_own_models_alone():
    assert training_flops.costs_of(BertConfig()) is None
