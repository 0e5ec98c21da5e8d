"""Laws of what a lens costs: torch's own count of the FLOPs, and the bytes of tensors."""

from dataclasses import replace

import numpy as np
import pytest
from live_bytes import peak_bytes
from planned_costs import CONFIG, CONV, T, costs_of
from torch.utils.flop_counter import FlopCounterMode

from hf_apt.data.tokens import write_tokens
from hf_apt.depths.head_config import HeadConfig
from hf_apt.depths.lenses.jacobian import fit_jacobian
from hf_apt.depths.lenses.jacobian_config import JacobianConfig
from hf_apt.depths.lenses.jacobian_cost import jacobian_cost
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import new_model
from hf_apt.runs.phase_costs import phase_costs
from hf_apt.training.costs.lens_costs import jacobian_bytes, jacobian_flops
from hf_apt.training.translator_training import train_translator

JACOBIAN = JacobianConfig(num_sequences=20, batch_size=10, masking_rate=0.3)
LENSES = replace(
    CONFIG,
    head_kinds=("jacobian", "translator"),
    heads=HeadConfig(num_steps=10, batch_size=32),
    jacobian=JACOBIAN,
)


@pytest.fixture(scope="module")
def full_tokens(tokenizer, tmp_path_factory):
    """Packed sequences of one document: nothing but the two ends of each is special."""
    words = np.random.default_rng(0).integers(0, 60, 120 * (T - 2))
    text = " ".join(f"w{word}" for word in words)
    folder = tmp_path_factory.mktemp("tokens") / "full"
    return write_tokens(folder, [text], tokenizer, sequence_length=T, layout="packed")


@pytest.mark.parametrize("shape", [CONFIG.shape, CONV.shape], ids=["bert6", "conv"])
def test_lenses_do_the_flops_that_are_foretold(shape, full_tokens) -> None:
    config = replace(LENSES, shape=shape)
    expected = {cost.name: cost for cost in phase_costs(config, costs_of(config), 100)}
    assert list(expected)[1:3] == ["jacobian", "translator"]
    model = new_model(config.shape, full_tokens, seed=0)
    model.set_attn_implementation("eager")
    trunk = Trunk(model).prepare()
    with FlopCounterMode(display=False) as counter:
        fit_jacobian(trunk, full_tokens, JACOBIAN)
    assert counter.get_total_flops() == pytest.approx(expected["jacobian"].work.flops, rel=0.02)
    assert expected["jacobian"].tokens == 20 * T
    with FlopCounterMode(display=False) as counter:
        train_translator(trunk, full_tokens, config.heads)
    assert counter.get_total_flops() == pytest.approx(expected["translator"].work.flops, rel=0.02)
    assert expected["translator"].tokens == 10 * 32 * T


def test_the_shape_tells_what_a_model_that_is_there_tells(full_tokens) -> None:
    config = replace(LENSES, shape=replace(CONFIG.shape, hidden_size=64, num_heads=4))
    model = new_model(config.shape, full_tokens, seed=0)
    model.set_attn_implementation("eager")
    counted, told = jacobian_cost(Trunk(model), T, JACOBIAN), costs_of(config)
    assert counted.flops == pytest.approx(jacobian_flops(told, 20), rel=0.02)
    assert counted.memory == pytest.approx(jacobian_bytes(told, 10), rel=0.15)


def test_a_translator_takes_no_more_memory_than_foretold(full_tokens) -> None:
    config = replace(LENSES, heads=replace(LENSES.heads, num_steps=2))
    costs = costs_of(config)
    model = new_model(config.shape, full_tokens, seed=0)
    trunk = Trunk(model).prepare()
    peak = peak_bytes(lambda: train_translator(trunk, full_tokens, config.heads))
    foretold = phase_costs(config, costs, 100)[2].memory - 4 * costs.num_parameters
    assert peak == pytest.approx(foretold, rel=0.3)
