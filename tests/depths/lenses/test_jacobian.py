"""Laws of the Jacobian lens: the product of matrices where blocks are linear, exact elsewhere."""

from dataclasses import replace

import pytest
import torch
from linear_models import linear_model
from model_families import made
from torch import Tensor

from hf_apt.data.tokens import write_tokens
from hf_apt.depths.lenses.bare_states import bare_states
from hf_apt.depths.lenses.carried_head import CarriedHead
from hf_apt.depths.lenses.jacobian import JacobianConfig, JacobianSums, Targets, fit_jacobian
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk

CONFIG = JacobianConfig(num_sequences=10, batch_size=4)
IDS = torch.tensor([[5, 9, 4, 30, 8], [7, 4, 21, 60, 33]])
AT = Targets(torch.tensor([0, 1]), torch.tensor([2, 1]), torch.tensor([1, -1]))


def sums_of(model, targets: Targets = AT) -> JacobianSums:
    sums = JacobianSums(Trunk(model))
    sums.update({"input_ids": IDS, "attention_mask": torch.ones_like(IDS)}, targets)
    return sums


def by_differences(model, block: torch.nn.Module, row: int, position: int) -> Tensor:
    """The derivative (H, H) of the last bare state by what `block` returns, at one position."""
    trunk = Trunk(model)
    inputs = {"input_ids": IDS, "attention_mask": torch.ones_like(IDS)}
    H, step = trunk.hidden_size, 1e-5
    columns = []
    for unit in range(H):
        ends = []
        for side in (step, -step):

            def push(_, __, output, unit=unit, side=side):
                pushed = output.clone()
                pushed[row, position, unit] += side
                return pushed

            hook = block.register_forward_hook(push)
            ends.append(bare_states(trunk, inputs)[-1][row, position])
            hook.remove()
        columns.append((ends[0] - ends[1]) / (2 * step))
    return torch.stack(columns, dim=1)


def test_where_blocks_are_linear_it_is_the_product_of_their_matrices() -> None:
    model = linear_model()
    lens = sums_of(model).lens()
    product = torch.eye(6, dtype=torch.float64)
    for depth, block in reversed(list(enumerate(model.trunk.layer))):
        product = product @ block.own.weight.detach()
        torch.testing.assert_close(lens.weights_DHH[depth], product, rtol=0, atol=1e-12)
    assert torch.equal(lens.weights_DHH[-1], torch.eye(6, dtype=torch.float64))
    # An affine model is carried without an error, its biases included.
    states = bare_states(Trunk(model), {"input_ids": IDS})
    carried = lens.carry(torch.stack([state.flatten(0, 1) for state in states]))
    torch.testing.assert_close(carried, states[-1].flatten(0, 1).expand_as(carried))


def test_what_comes_back_by_other_positions_is_in_it() -> None:
    model = linear_model(mixing=0.7)
    jacobian_HH = sums_of(model).lens().weights_DHH[1]
    T = IDS.shape[1]
    (own_1, all_1), (own_2, all_2) = (
        (block.own.weight, 0.7 / T * block.others.weight) for block in list(model.trunk.layer)[1:]
    )
    direct = (own_2 + all_2) @ (own_1 + all_1)
    torch.testing.assert_close(jacobian_HH, direct + (T - 1) * all_2 @ all_1)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta-xl"])
def test_it_is_the_mean_of_derivatives_by_differences(family) -> None:
    model = made(family).double()
    blocks = model.base_model.encoder.layer
    expected_HH = sum(
        by_differences(model, blocks[0], row, position) for row, position in ((0, 2), (1, 1))
    )
    lens = sums_of(model).lens()
    scale = float(expected_HH.abs().max())  # pyright: ignore
    torch.testing.assert_close(2 * lens.weights_DHH[1], expected_HH, rtol=1e-5, atol=1e-6 * scale)


def test_it_depends_on_no_batch_size_nor_on_dropout(tiny_model, tokens) -> None:
    whole = fit_jacobian(Trunk(tiny_model), tokens, CONFIG)
    for module in tiny_model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    tiny_model.train()
    single = fit_jacobian(Trunk(tiny_model), tokens, replace(CONFIG, batch_size=1))
    torch.testing.assert_close(single.weights_DHH, whole.weights_DHH, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(single.biases_DH, whole.biases_DH, rtol=1e-4, atol=1e-5)
    assert single.num_positions == whole.num_positions > 0
    assert tiny_model.training


def test_after_the_last_block_it_answers_as_the_own_head_does(tiny_model, tokens) -> None:
    trunk = Trunk(tiny_model)
    head = CarriedHead(trunk, fit_jacobian(trunk, tokens, CONFIG))
    hidden_DNH = torch.randn(trunk.num_depths, 40, trunk.hidden_size)
    assert torch.equal(head(hidden_DNH)[-1], OwnHead(trunk)(hidden_DNH)[-1])
    assert not torch.equal(head(hidden_DNH)[1], OwnHead(trunk)(hidden_DNH)[1])


def test_several_positions_of_a_sequence_cancel_on_average() -> None:
    """Over all signs, what positions do to one another cancels without a rest."""
    model = linear_model(mixing=3.0)
    rows_N, positions_N = torch.tensor([0, 0]), torch.tensor([2, 4])
    exact = [
        sums_of(model, Targets(rows_N[:1], positions_N[[n]], torch.tensor([1]))).lens()
        for n in range(2)
    ]
    both = [
        sums_of(model, Targets(rows_N, positions_N, torch.tensor([1, sign]))).lens()
        for sign in (1, -1)
    ]
    mean = (both[0].weights_DHH + both[1].weights_DHH) / 2
    torch.testing.assert_close(mean, (exact[0].weights_DHH + exact[1].weights_DHH) / 2)
    assert not torch.allclose(both[0].weights_DHH, mean)


def test_more_positions_are_taken_where_they_are_asked_for(tiny_model, tokens) -> None:
    trunk = Trunk(tiny_model)
    one = fit_jacobian(trunk, tokens, CONFIG)
    many = fit_jacobian(trunk, tokens, replace(CONFIG, num_positions=100))
    assert one.num_positions <= 10 < many.num_positions


def test_a_text_without_masks_is_refused(tiny_model, tokenizer, tmp_path) -> None:
    tokens = write_tokens(tmp_path / "tokens", ["w1"], tokenizer, sequence_length=8, layout="first")
    with pytest.raises(ValueError, match="no position of the first 1 sequences"):
        fit_jacobian(Trunk(tiny_model), tokens, replace(CONFIG, masking_rate=0.01, num_sequences=1))


@pytest.mark.parametrize(
    "wrong", [{"num_sequences": 0}, {"num_positions": 0}, {"batch_size": 1.5}, {"masking_rate": 1}]
)
def test_impossible_numbers_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        JacobianConfig(**wrong)
