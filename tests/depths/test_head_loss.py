"""Laws of the loss that comes with its gradients: what autograd makes of the plain formula."""

from typing import Any

import pytest
import torch
from live_bytes import peak_bytes
from torch import Tensor, nn

from hf_apt.depths import head_loss as module
from hf_apt.depths.head_loss import head_loss
from hf_apt.depths.heads import DepthHeads

N, E, V = 23, 12, 41


def inputs(dtype: torch.dtype = torch.float32, num: int = N) -> tuple[Tensor, Tensor, Tensor]:
    """Features, weight and bias that need gradients."""
    generator = torch.Generator().manual_seed(1)
    shapes = ((num, E), (V, E), (V,))
    found = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    features, weight, bias = (each.to(dtype).requires_grad_() for each in found)
    return features, weight, bias


def labels(num: int = N) -> Tensor:
    return torch.arange(num) * 7 % V


def plain(features: Tensor, weight: Tensor, bias: Tensor, labels_N: Tensor) -> Tensor:
    logits = nn.functional.linear(features, weight, bias)
    return nn.functional.cross_entropy(logits, labels_N, reduction="sum")


@pytest.fixture(params=["whole", "rows", "row"])
def chunked(request, monkeypatch) -> None:
    """All positions at once, five, or one."""
    if request.param != "whole":
        num_bytes = 5 * V * 8 if request.param == "rows" else 1
        monkeypatch.setattr(module, "CHUNK_BYTES", num_bytes)


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen features", "features"])
def test_gradients_are_those_of_differences(frozen, chunked):
    features, weight, bias = inputs(torch.float64, 7)
    features.requires_grad_(not frozen)

    def of(*parts: Tensor) -> Tensor:
        return head_loss(*parts, labels(7), divisor=3.0)

    assert torch.autograd.gradcheck(of, (features, weight, bias))


@pytest.mark.parametrize("outer", [1.0, 0.25])
@pytest.mark.parametrize("divisor", [1.0, 17])
def test_it_is_linear_and_cross_entropy(outer, divisor, chunked):
    found, expected = inputs(), inputs()
    loss = head_loss(*found, labels(), divisor=divisor)
    wanted = plain(*expected, labels()) / divisor
    torch.testing.assert_close(loss, wanted, rtol=1e-5, atol=0)
    (outer * loss).backward()
    (outer * wanted).backward()
    for one, other in zip(found, expected, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        scale = other.grad.abs().max()
        torch.testing.assert_close(one.grad / scale, other.grad / scale, rtol=0, atol=1e-5)


def test_large_logits_neither_overflow_nor_lose_the_loss(chunked):
    """Where softmax itself is 0 or 1."""
    features, weight, bias = inputs()
    with torch.no_grad():
        bias[3] += 1e4
    for token, wanted in ((3, 0.0), (5, 1e4)):
        loss = head_loss(features, weight, bias, torch.full((N,), token))
        assert loss.item() / N == pytest.approx(wanted, abs=50)
        assert loss.item() == pytest.approx(
            plain(features, weight, bias, torch.full((N,), token)).item(), rel=1e-5, abs=1e-5
        )


def test_no_positions_are_no_loss_and_no_gradient(chunked):
    features, weight, bias = inputs(num=0)
    loss = head_loss(features, weight, bias, labels(0))
    loss.backward()
    assert loss == 0
    for each in (features, weight, bias):
        assert each.grad is not None
        assert each.grad.shape == each.shape
        assert not each.grad.any()


def test_gradients_of_several_losses_add_up(chunked):
    """As they do where a batch is read in parts."""
    features, weight, bias = inputs()
    together = plain(features, weight, bias, labels())
    expected = torch.autograd.grad(together, (weight, bias))
    for rows in (slice(0, 9), slice(9, N)):
        head_loss(features[rows].detach(), weight, bias, labels()[rows]).backward()
    for each, wanted in zip((weight, bias), expected, strict=True):
        torch.testing.assert_close(each.grad, wanted, rtol=1e-4, atol=1e-5)


def test_a_graph_that_is_kept_gives_the_same_again():
    parts = inputs()
    loss = head_loss(*parts, labels())
    first = torch.autograd.grad(loss, parts, retain_graph=True)
    for outer in (1.0, 3.0):
        again = torch.autograd.grad(outer * loss, parts, retain_graph=True)
        for one, other in zip(first, again, strict=True):
            torch.testing.assert_close(outer * one, other)


def test_a_second_derivative_is_refused():
    features, weight, bias = inputs()
    loss = head_loss(features, weight, bias, labels())
    (slope,) = torch.autograd.grad(loss**2, weight, create_graph=True)
    with pytest.raises(RuntimeError, match="twice"):
        slope.sum().backward()


# Mixed precision.


def in_bfloat16(loss_of: Any, parts: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(*parts, labels())
    return loss, torch.autograd.grad(loss, parts)


def test_under_autocast_it_is_as_near_to_the_truth_as_autograd(chunked):
    """Products in bfloat16, gradients in the precision of the weights."""
    true = inputs(torch.float64)
    expected = torch.autograd.grad(plain(*true, labels()), true)
    loss, found = in_bfloat16(head_loss, inputs())
    _, autograds = in_bfloat16(plain, inputs())
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(plain(*true, labels()).item(), rel=1e-2)
    for one, other, wanted in zip(found, autograds, expected, strict=True):
        assert one.dtype == torch.float32
        error, theirs = (float((each - wanted).norm() / wanted.norm()) for each in (one, other))
        assert 1e-5 < error < max(1.5 * theirs, 5e-3)


def test_under_autocast_sums_over_chunks_are_in_float32(monkeypatch):
    """A thousand equal parts of a thousandth: in bfloat16 their sum would stop growing at 0.25."""
    num = 1000
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)
    features = torch.ones(num, 1)
    weight, bias = torch.zeros(2, 1, requires_grad=True), torch.zeros(2, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        loss = head_loss(features, weight, bias, torch.zeros(num, dtype=torch.long))
        loss.backward()
    for each in (weight, bias):
        assert each.grad is not None
        torch.testing.assert_close(each.grad.flatten(), torch.tensor([-num / 2, num / 2]))


# Memory.


@pytest.mark.parametrize("kind", ["linear_head", "mlm_head"])
def test_logits_of_one_depth_are_alive_at_once_whatever_their_number(kind):
    num, width, vocab_size = 300, 8, 2000
    logits = 4 * num * vocab_size
    peaks = {}
    for num_depths in (1, 6):
        heads = DepthHeads(kind, num_depths, width, vocab_size)
        hidden, asked = torch.randn(num_depths, num, width), torch.arange(num)
        gradients = 4 * sum(weight.numel() for weight in heads.parameters())
        peaks[num_depths] = (
            peak_bytes(lambda: heads.loss(hidden, asked).backward()) - gradients  # noqa: B023
        )
    assert logits < peaks[1] < 1.2 * logits
    assert peaks[6] < 1.4 * logits


def test_logits_are_bounded(monkeypatch):
    num, width, vocab_size = 600, 4, 1000
    heads = DepthHeads("linear_head", 1, width, vocab_size)
    hidden = torch.randn(1, num, width)
    whole = peak_bytes(lambda: heads.loss(hidden, torch.arange(num)).backward())
    heads.zero_grad()
    monkeypatch.setattr(module, "CHUNK_BYTES", 4 * vocab_size * 60)
    parts = peak_bytes(lambda: heads.loss(hidden, torch.arange(num)).backward())
    assert whole > 4 * num * vocab_size
    assert parts < 0.15 * whole


def test_the_gradient_of_the_weight_is_handed_over_and_not_copied(monkeypatch):
    formed: list[int] = []
    original = module._loss_and_gradients

    def noting(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        formed.append(result[1][1].data_ptr())
        return result

    monkeypatch.setattr(module, "_loss_and_gradients", noting)
    features, weight, bias = inputs()
    head_loss(features, weight, bias, labels()).backward()
    assert weight.grad is not None
    assert [weight.grad.data_ptr()] == formed
