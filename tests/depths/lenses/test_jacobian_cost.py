"""Laws of the cost of a Jacobian lens: known where blocks are linear, in proportion elsewhere."""

from dataclasses import replace

from linear_models import linear_model
from model_families import made

from hf_apt.depths.lenses.jacobian import JacobianConfig
from hf_apt.depths.lenses.jacobian_cost import jacobian_cost
from hf_apt.depths.trunk import Trunk

CONFIG = JacobianConfig(num_sequences=10, batch_size=4)


def test_flops_are_those_of_the_products_of_matrices() -> None:
    cost = jacobian_cost(Trunk(linear_model()), 7, CONFIG)
    H, num_products = 6, 2 * 3  # two products in each of three blocks
    assert cost.flops == 10 * (1 + H) * num_products * 2 * 7 * H * H


def test_more_sequences_cost_more_work_and_larger_batches_more_memory() -> None:
    trunk = Trunk(made("bert"))
    few = jacobian_cost(trunk, 16, CONFIG)
    many = jacobian_cost(trunk, 16, replace(CONFIG, num_sequences=30))
    assert many.flops == 3 * few.flops
    assert many.memory == few.memory
    sums = 8 * 4 * 32 * 33
    wide = jacobian_cost(trunk, 16, replace(CONFIG, batch_size=8))
    assert wide.memory - sums == 2 * (few.memory - sums)
    # At least the states of every depth, and a gradient of each but the last.
    assert few.memory > sums + 4 * 7 * 16 * 32 * 4
